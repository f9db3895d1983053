namespace Baton;

/// <summary>A callback in debug mode: it knows where it was made and still knows its name after it has run. Not pooled.</summary>
internal sealed class TracedCallbackItem(EventLoop loop, CreationSite? site, string name) : CallbackItem(loop)
{
    private string? _cancelled;

    internal override CreationSite? Origin => site;

    internal override string Describe() => $"callback {name}";

    internal override void Cancel(int version)
    {
        var described = _cancelled ?? base.NameOf(version);
        base.Cancel(version);
        _cancelled = described;
    }

    private protected override string? NameOf(int version) => _cancelled ?? base.NameOf(version) ?? name;

    private protected override string StateName(int version) => _cancelled is null ? base.StateName(version) : "cancelled";

    private protected override void Release()
    {
    }
}

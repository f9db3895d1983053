namespace Baton;

/// <summary>A callback in debug mode: it knows where it was made and still knows its name after it has run. Not pooled.</summary>
internal sealed class TracedCallbackItem(EventLoop loop, CreationSite? site, string name) : CallbackItem(loop)
{
    internal override CreationSite? Origin => site;

    internal override string Describe() => $"callback {name}";

    private protected override void Release()
    {
    }
}

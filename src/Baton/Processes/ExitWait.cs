namespace Baton;

/// <summary>Somebody waits for a child to end.</summary>
internal sealed class ExitWait(EventLoop loop, ChildReaper child, bool isCancellable) : LoopOperation(loop)
{
    private string? _cancelMessage;
    private bool _isCancelled;

    internal ExitWait? Next { get; set; }

    internal ValueTask Start()
    {
        Begin();
        return new ValueTask(this, Token);
    }

    internal override string Describe() => $"wait for the end of {child.Description}";

    protected override bool RequestCancel(string? message)
    {
        if (!isCancellable)
        {
            return false;
        }

        _cancelMessage = message;
        _isCancelled = true;
        child.Forget(this);
        Complete(faulted: true);
        return true;
    }

    protected override void OnResultTaken()
    {
        if (_isCancelled)
        {
            throw new CancelledException(_cancelMessage);
        }
    }
}

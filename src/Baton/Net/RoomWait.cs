namespace Baton;

/// <summary>The wait of a file that is being sent for room in the connection's socket.</summary>
internal sealed class RoomWait(Connection connection) : LoopOperation(connection.Loop)
{
    private string? _cancelMessage;
    private bool _isCancelled;

    internal ValueTask Start()
    {
        Begin();
        _isCancelled = false;
        return new ValueTask(this, Token);
    }

    internal void End()
    {
        if (IsPending)
        {
            Complete();
        }
    }

    protected override bool RequestCancel(string? message)
    {
        _cancelMessage = message;
        _isCancelled = true;
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

    internal override string Describe() => $"wait for room to send a file over {connection}";
}

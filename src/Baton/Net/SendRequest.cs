namespace Baton;

/// <summary>The send of a connection that waits for room. Nobody awaits it: its end moves the connection's queue on.</summary>
internal sealed class SendRequest(ConnectionWriter writer, EventLoop loop) : IoRequest(loop)
{
    /// <summary>Whether the driver has it.</summary>
    internal bool IsInFlight { get; set; }

    public override void Finish()
    {
        IsInFlight = false;
        writer.OnSendEnded();
    }

    protected override bool RequestCancel(string? message) => false;

    protected override void OnResultTaken()
    {
    }
}

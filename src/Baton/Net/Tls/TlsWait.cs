namespace Baton;

/// <summary>The wait for the lower socket on behalf of a receive into a buffer. Nobody awaits it: its end moves the receive on.</summary>
internal sealed class TlsWait : IoRequest
{
    private readonly TlsSocket _socket;

    internal TlsWait(TlsSocket socket, EventLoop loop)
        : base(loop)
    {
        _socket = socket;
        Kind = IoOperationKind.Receive;
    }

    /// <summary>Whether the lower socket has it.</summary>
    internal bool IsInFlight { get; set; }

    public override void Finish()
    {
        IsInFlight = false;
        _socket.OnInput();
    }

    protected override bool RequestCancel(string? message) => false;

    protected override void OnResultTaken()
    {
    }
}

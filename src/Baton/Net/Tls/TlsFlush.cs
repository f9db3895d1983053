namespace Baton;

/// <summary>The send of records that waits for room. Nobody awaits it: its end moves the queue on.</summary>
internal sealed class TlsFlush : IoRequest
{
    private readonly TlsSocket _socket;

    internal TlsFlush(TlsSocket socket, EventLoop loop)
        : base(loop)
    {
        _socket = socket;
        Kind = IoOperationKind.Send;
    }

    /// <summary>Whether the lower socket has it.</summary>
    internal bool IsInFlight { get; set; }

    public override void Finish()
    {
        IsInFlight = false;
        _socket.OnFlushed();
    }

    protected override bool RequestCancel(string? message) => false;

    protected override void OnResultTaken()
    {
    }
}

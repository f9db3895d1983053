namespace Baton;

/// <summary>
/// What a <see cref="TlsSocket"/> asks of the socket below it on its own behalf: to wait for input, or to send records. Nobody awaits it:
/// its end moves on what waits above.
/// </summary>
internal sealed class TlsRequest : IoRequest
{
    private readonly Action _onEnd;

    internal TlsRequest(EventLoop loop, IoOperationKind kind, Action onEnd)
        : base(loop)
    {
        Kind = kind;
        _onEnd = onEnd;
    }

    /// <summary>Whether the lower socket has it.</summary>
    internal bool IsInFlight { get; set; }

    public override void Finish()
    {
        IsInFlight = false;
        _onEnd();
    }

    protected override bool RequestCancel(string? message) => false;

    protected override void OnResultTaken()
    {
    }
}

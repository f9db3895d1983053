using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Baton;

/// <summary>One write or flush of a connection that waits until the system has taken its bytes. Pooled by the connection.</summary>
internal sealed class WriteOperation(ConnectionWriter writer, EventLoop loop)
    : LoopOperation(loop), IValueTaskSource<FlushResult>, ITokenCancellable
{
    private CancellationTokenRegistration _registration;
    private CancellationToken _token;
    private string? _cancelMessage;
    private Exception? _failure;
    private Outcome _outcome;

    private enum Outcome : byte
    {
        Taken,
        Failed,
        CancelledByTask,
        CancelledByToken,
        CancelledByWriter,
    }

    /// <summary>The operation that waits for later bytes; or the next free one in the pool.</summary>
    internal WriteOperation? Next { get; set; }

    /// <summary>It is complete when the system has taken this many bytes of the connection's output.</summary>
    internal long End { get; set; }

    /// <summary>The caller's memory that is sent without a copy, while it stands in the queue.</summary>
    internal IoBlock? Borrowed { get; set; }

    /// <summary>Whether the system has taken a part of it that no longer stands in the queue.</summary>
    internal bool IsPartlySent { get; set; }

    /// <summary>Whether it was cancelled and waits for the driver to let go of its memory.</summary>
    internal bool IsCancelled => _outcome is Outcome.CancelledByTask or Outcome.CancelledByToken or Outcome.CancelledByWriter;

    public int Use => Token;

    internal ValueTask AsVoid() => new(this, Token);

    internal ValueTask<FlushResult> AsFlush() => new(this, Token);

    internal void Start(long end, IoBlock? borrowed)
    {
        Begin();
        End = end;
        Borrowed = borrowed;
        IsPartlySent = false;
        _outcome = Outcome.Taken;
        _failure = null;
    }

    internal void Watch(CancellationToken cancellationToken)
    {
        _token = cancellationToken;
        _registration = TokenCancellation.Register(this, cancellationToken);
    }

    /// <summary>Completes an operation that was done at once, by way of the queue.</summary>
    internal void FinishThroughQueue() => CompleteThroughQueue();

    internal void Finish() => Complete(faulted: _outcome is not (Outcome.Taken or Outcome.CancelledByWriter));

    internal void Fail(Exception failure)
    {
        if (!IsCancelled)
        {
            _outcome = Outcome.Failed;
            _failure = failure;
        }

        Finish();
    }

    internal bool CancelByWriter() => TryCancel(Outcome.CancelledByWriter);

    public void CancelByToken() => TryCancel(Outcome.CancelledByToken);

    protected override bool RequestCancel(string? message)
    {
        _cancelMessage = message;
        return TryCancel(Outcome.CancelledByTask);
    }

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token)
    {
        EndUse(token);
        var isCancelled = _outcome == Outcome.CancelledByWriter;
        OnResultTaken();
        return new FlushResult(isCancelled, isCompleted: false);
    }

    protected override void OnResultTaken()
    {
        _registration.Dispose();
        _registration = default;
        var failure = _failure;
        _failure = null;
        var outcome = _outcome;
        writer.Recycle(this);
        switch (outcome)
        {
            case Outcome.Failed:
                throw failure!;
            case Outcome.CancelledByTask:
                throw new CancelledException(_cancelMessage);
            case Outcome.CancelledByToken:
                throw new OperationCanceledException(_token);
        }
    }

    internal override string Describe() => $"write to {writer.Connection}";

    private bool TryCancel(Outcome outcome)
    {
        if (!IsPending || IsCancelled)
        {
            return false;
        }

        _outcome = outcome;
        writer.Cancel(this);
        return true;
    }
}

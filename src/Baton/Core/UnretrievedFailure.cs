using System.Runtime.ExceptionServices;

namespace Baton;

/// <summary>
/// A failure of a future at which nobody has looked. The loop hears of it when the future is collected, or at the latest when the loop
/// closes.
/// </summary>
/// <remarks>
/// Two objects, because the loop has to hold the failure while the collector has to be free to take the future: the future holds this one,
/// which has the finalizer; the loop and this one hold the record.
/// </remarks>
internal sealed class UnretrievedFailure
{
    private readonly Future _future;
    private readonly Record _record;

    internal UnretrievedFailure(EventLoop loop, ExceptionDispatchInfo failure, Future future)
    {
        _future = future;
        _record = new Record(loop, failure, future);
        loop.UnretrievedFailures.Add(_record);
    }

    ~UnretrievedFailure()
    {
        _record.Future = _future;
        _record.Loop.TryPost(_record);
    }

    internal ExceptionDispatchInfo Failure => _record.Failure;

    internal ExceptionDispatchInfo Retrieve()
    {
#pragma warning disable CA1816 // The finalizer is the purpose of this class, not a safety net for a Dispose.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
        _record.Loop.UnretrievedFailures.Remove(_record);
        return _record.Failure;
    }

    internal sealed class Record(EventLoop loop, ExceptionDispatchInfo failure, Future future) : LoopItem
    {
        private readonly WeakReference<Future> _future = new(future);
        private readonly string _name = future.Brief;
        private readonly CreationSite? _site = future.CreationSite;

        // What a task had made of its AsyncLocals when it failed. A future has no context of its own.
        private readonly ExecutionContext? _context = future is LoopTask ? ExecutionContext.Capture() : null;

        internal EventLoop Loop { get; } = loop;

        internal ExceptionDispatchInfo Failure { get; } = failure;

        /// <summary>The future, on its way to be reported.</summary>
        internal Future? Future { get; set; }

        internal override void Run(EventLoop loop) => Report();

        internal void Report()
        {
            if (Loop.UnretrievedFailures.Remove(this))
            {
                Loop.ReportException(new LoopExceptionContext($"The exception of {_name} was never retrieved")
                {
                    Exception = Failure.SourceException,
                    Future = Future ?? (_future.TryGetTarget(out var future) ? future : null),
                    SourceTraceback = _site,
                    ExecutionContext = _context,
                });
            }
        }
    }
}

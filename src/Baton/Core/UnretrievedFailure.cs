using System.Runtime.ExceptionServices;

namespace Baton;

/// <summary>
/// A failure of a future at which nobody has looked. The loop hears of it when the future is collected, or at the latest when the loop closes.
/// </summary>
/// <remarks>
/// Two objects, because the loop has to hold the failure while the collector has to be free to take the future: the future holds this one, which has the
/// finalizer; the loop and this one hold the record.
/// </remarks>
internal sealed class UnretrievedFailure
{
    private readonly Record _record;

    internal UnretrievedFailure(EventLoop loop, ExceptionDispatchInfo failure, string future)
    {
        _record = new Record(loop, failure, future);
        loop.UnretrievedFailures.Add(_record);
    }

    ~UnretrievedFailure() => _record.Loop.TryPost(_record);

    internal ExceptionDispatchInfo Retrieve()
    {
#pragma warning disable CA1816 // The finalizer is the purpose of this class, not a safety net for a Dispose.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
        _record.Loop.UnretrievedFailures.Remove(_record);
        return _record.Failure;
    }

    internal sealed class Record(EventLoop loop, ExceptionDispatchInfo failure, string future) : LoopItem
    {
        internal EventLoop Loop { get; } = loop;

        internal ExceptionDispatchInfo Failure { get; } = failure;

        internal override void Run(EventLoop loop) => Report();

        internal void Report()
        {
            if (Loop.UnretrievedFailures.Remove(this))
            {
                Loop.ReportException($"The exception of {future} was never retrieved", Failure.SourceException);
            }
        }
    }
}

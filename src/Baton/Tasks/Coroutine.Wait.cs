namespace Baton;

public readonly partial struct Coroutine
{
    /// <summary>
    /// Waits until some or all of several tasks and futures are done, and says which are. Cancels none of them, and throws none of their
    /// exceptions. Corresponds to <c>asyncio.wait</c>.
    /// </summary>
    /// <remarks>
    /// Each is returned once, in the order of the arguments, however often it stands there. Coroutines are not accepted: nobody could tell
    /// which of them was done; make them tasks first. Cancelling the task that waits ends the wait and nothing else.
    /// </remarks>
    /// <typeparam name="TFuture">Such as <see cref="LoopTask"/>, <see cref="LoopTask{TResult}"/> or <see cref="Future"/>.</typeparam>
    /// <param name="futures">What to wait for.</param>
    /// <param name="timeout">
    /// How long to wait at most; without limit where null or <see cref="Timeout.InfiniteTimeSpan"/>. Afterwards, those that are not done
    /// are simply returned as pending.
    /// </param>
    /// <param name="returnWhen">What to wait for.</param>
    /// <exception cref="ArgumentException">There is nothing to wait for.</exception>
    /// <exception cref="InvalidOperationException">No loop runs on this thread, or a future belongs to another loop.</exception>
    public static Coroutine<(IReadOnlyList<TFuture> Done, IReadOnlyList<TFuture> Pending)> Wait<TFuture>(
        IEnumerable<TFuture> futures,
        TimeSpan? timeout = null,
        ReturnWhen returnWhen = ReturnWhen.AllCompleted)
        where TFuture : Future
    {
        var distinct = Distinct(futures, EventLoop.Current);
        if (distinct.Count == 0)
        {
            throw new ArgumentException("There is no task or future to wait for.", nameof(futures));
        }

        if (returnWhen is < ReturnWhen.AllCompleted or > ReturnWhen.FirstException)
        {
            throw new ArgumentOutOfRangeException(nameof(returnWhen), returnWhen, "This is none of the values of ReturnWhen.");
        }

        return WaitCore(distinct, timeout, returnWhen);
    }

    private static async Coroutine<(IReadOnlyList<TFuture> Done, IReadOnlyList<TFuture> Pending)> WaitCore<TFuture>(
        List<TFuture> futures,
        TimeSpan? timeout,
        ReturnWhen returnWhen)
        where TFuture : Future
    {
        var loop = EventLoop.Current;
        var wait = new FutureSetWait(loop, futures.Count, returnWhen);
        var timer = timeout is { } limit && limit != Timeout.InfiniteTimeSpan
            ? loop.CallLater(limit, FutureSetWait.OnTimeout, wait)
            : default;
        var task = LoopTask.Current;
        foreach (var future in futures)
        {
            future.AddDoneCallback(FutureSetWait.OnDone, wait, awaitedBy: task);
        }

        try
        {
            await wait.Over;
        }
        finally
        {
            timer.Cancel();
            foreach (var future in futures)
            {
                if (!future.IsDone)
                {
                    future.RemoveDoneCallback(FutureSetWait.OnDone, wait);
                }
            }
        }

        var done = new List<TFuture>(futures.Count);
        var pending = new List<TFuture>();
        foreach (var future in futures)
        {
            (future.IsDone ? done : pending).Add(future);
        }

        return (done, pending);
    }

    /// <summary>Each once, in the order of their first appearance.</summary>
    private static List<TFuture> Distinct<TFuture>(IEnumerable<TFuture> futures, EventLoop loop)
        where TFuture : Future
    {
        ArgumentNullException.ThrowIfNull(futures);
        var seen = new HashSet<TFuture>(ReferenceEqualityComparer.Instance);
        var distinct = new List<TFuture>();
        foreach (var future in futures)
        {
            ArgumentNullException.ThrowIfNull(future, nameof(futures));
            ((IAwaitable)future).ToFuture(loop);
            if (seen.Add(future))
            {
                distinct.Add(future);
            }
        }

        return distinct;
    }

    /// <summary>Counts down until a wait for a set of futures is over.</summary>
    private sealed class FutureSetWait(EventLoop loop, int left, ReturnWhen returnWhen)
    {
        internal static readonly Action<Future, object?> OnDone = static (future, wait) => ((FutureSetWait)wait!).CountDown(future);
        internal static readonly Action<object?> OnTimeout = static wait => ((FutureSetWait)wait!).Over.TrySetResult();

        private int _left = left;

        internal Future Over { get; } = loop.CreateFuture();

        private void CountDown(Future future)
        {
            _left--;
            if (_left == 0 || returnWhen == ReturnWhen.FirstCompleted || (returnWhen == ReturnWhen.FirstException && future.IsFailed))
            {
                Over.TrySetResult();
            }
        }
    }
}

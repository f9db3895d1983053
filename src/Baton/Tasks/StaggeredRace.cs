using System.Runtime.ExceptionServices;

namespace Baton;

/// <summary>Runs the attempts of <c>Coroutine.StaggeredRace</c>, each in a task of its own.</summary>
internal sealed class StaggeredRace<TResult>(EventLoop loop, TimeSpan? delay, Action<TResult>? discard)
{
    private static readonly Action<Future, object?> OnAttemptDone = static (attempt, race) =>
        ((StaggeredRace<TResult>)race!).End((LoopTask)attempt);
    private static readonly Action<object?> OnDelayOver = static race => ((StaggeredRace<TResult>)race!).LetNextStart();

    private readonly LoopTask? _caller = LoopTask.Current;
    private readonly List<LoopTask> _running = [];
    private readonly List<Exception?> _exceptions = [];
    private LoopTask? _latest;
    private TimerHandle _timer;
    private Future? _changed;
    private bool _mayStartNext = true;
    private TResult _result = default!;
    private int? _winner;

    internal async Coroutine<RaceResult<TResult>> Run(IEnumerable<Func<Coroutine<TResult>>> attempts)
    {
        using var next = attempts.GetEnumerator();
        var mayStart = true;
        ExceptionDispatchInfo? interruption = null;
        do
        {
            try
            {
                if (_mayStartNext && mayStart)
                {
                    mayStart = next.MoveNext();
                    if (mayStart)
                    {
                        Start(next.Current);
                    }
                }

                if (_running.Count > 0)
                {
                    _changed = loop.CreateFuture();
                    await _changed;
                }
            }
            catch (Exception exception)
            {
                // A cancellation, or the sequence of attempts failed. Nothing of the race is left running either way.
                interruption ??= ExceptionDispatchInfo.Capture(exception);
                mayStart = false;
                CancelAllBut(null);
            }

            mayStart &= _winner is null;
        }
        while (_running.Count > 0 || (_mayStartNext && mayStart));

        _timer.Cancel();
        if (interruption is not null)
        {
            Resume(interruption);
        }

        return new RaceResult<TResult>(_result, _winner, _exceptions);
    }

    private void Start(Func<Coroutine<TResult>> attempt)
    {
        _mayStartNext = false;
        _timer.Cancel();
        _latest = loop.CreateTask(Attempt(attempt));
        _running.Add(_latest);
        _latest.AddDoneCallback(OnAttemptDone, this, awaitedBy: _caller);
        if (delay is { } time && time != Timeout.InfiniteTimeSpan)
        {
            _timer = loop.CallLater(time, OnDelayOver, this);
        }
    }

    private async Coroutine Attempt(Func<Coroutine<TResult>> attempt)
    {
        var index = _exceptions.Count;
        _exceptions.Add(null);
        TResult result;
        try
        {
            result = await attempt();
        }
        catch (Exception exception)
        {
            _exceptions[index] = exception;
            return;
        }

        if (_winner is null)
        {
            _winner = index;
            _result = result;
            CancelAllBut(LoopTask.Current);
        }
        else
        {
            Discard(result);
        }
    }

    private void Discard(TResult result)
    {
        try
        {
            discard?.Invoke(result);
        }
        catch (Exception exception)
        {
            loop.ReportException("Discarding the result of an attempt that came too late to win failed", exception, LoopTask.Current);
        }
    }

    private void End(LoopTask attempt)
    {
        _running.Remove(attempt);
        if (ReferenceEquals(attempt, _latest))
        {
            _mayStartNext = true;
        }

        _changed?.TrySetResult();
    }

    private void LetNextStart()
    {
        _mayStartNext = true;
        _changed?.TrySetResult();
    }

    private void CancelAllBut(LoopTask? winner)
    {
        foreach (var attempt in _running.ToArray())
        {
            if (!ReferenceEquals(attempt, winner))
            {
                attempt.Cancel();
            }
        }
    }

    /// <summary>
    /// Throws what interrupted the race; unless it was won all the same: then the result is delivered, and a cancellation holds for the
    /// next wait.
    /// </summary>
    private void Resume(ExceptionDispatchInfo interruption)
    {
        if (_winner is null)
        {
            interruption.Throw();
        }

        if (interruption.SourceException is not CancelledException cancelled)
        {
            loop.ReportException(
                "The attempts of a staggered race could not be enumerated to the end", interruption.SourceException, _caller);
        }
        else if (_caller is { CancelRequests: > 0 })
        {
            // Takes the request back and makes it again: their number stays what it was.
            _caller.Uncancel();
            _caller.Cancel(cancelled.Message);
        }
    }
}

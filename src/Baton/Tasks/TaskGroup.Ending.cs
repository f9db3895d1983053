using System.Runtime.ExceptionServices;

namespace Baton;

// How a group ends. The order is asyncio's: wait for the tasks; then failures, the body's among them; else a cancellation that came from
// outside.
public sealed partial class TaskGroup
{
    /// <summary>Waits for the tasks and throws what has to be thrown.</summary>
    /// <param name="exception">What ended the body, unless it was the group itself.</param>
    private async Coroutine EndAsync(Exception? exception)
    {
        var cancellation = exception as OperationCanceledException;
        if (cancellation is not null && !IsCancellation(cancellation))
        {
            cancellation = null;
        }

        var failure = cancellation is null ? exception : null;
        var hasWaited = _count > 0;
        while (_count > 0)
        {
            try
            {
                await _join.WaitAsync();
            }
            catch (CancelledException cancelled)
            {
                cancellation = cancelled;
                Abort(cancelled.Message);
            }
        }

        if (failure is not null)
        {
            _failures.Add(failure);
        }

        var couldNotBeInterrupted = hasWaited && _state == State.Aborting;
        _state = State.Ended;
        try
        {
            ThrowOutcome(cancellation, couldNotBeInterrupted);
        }
        finally
        {
            LetGo();
        }
    }

    /// <summary>Whoever keeps the group does not by that keep its task, nor what that task or the group's own have failed with.</summary>
    private void LetGo()
    {
        _parent = null!;
        _outerScope = null;
        _bodyScope = null!;
        _failures = null!;
    }

    private void ThrowOutcome(OperationCanceledException? cancellation, bool couldNotBeInterrupted)
    {
        if (_failures.Count > 0)
        {
            // Where a cancellation from outside was thrown, and failures are thrown in its place, it is due again at the next suspension.
            _bodyScope.RestoreUndelivered();
            throw new AggregateException($"Unhandled errors in {this}", _failures);
        }

        // While its tasks were ending the group could not be interrupted; a request that came meanwhile must not be lost.
        if (couldNotBeInterrupted)
        {
            if (cancellation is null)
            {
                Coroutine.ThrowIfCancelled();
            }
            else
            {
                TakePendingRequest();
            }
        }

        if (cancellation is not null)
        {
            ExceptionDispatchInfo.Throw(cancellation);
        }
    }

    /// <summary>Drops requests that came after the one that is thrown now: they say the same.</summary>
    private static void TakePendingRequest()
    {
        try
        {
            Coroutine.ThrowIfCancelled();
        }
        catch (CancelledException)
        {
        }
    }

    /// <summary>
    /// Another library's exception counts where it may have obeyed a token; a time-out that it dressed up as a cancellation does not.
    /// </summary>
    private bool IsCancellation(OperationCanceledException exception) =>
        exception is CancelledException
        || (exception.InnerException is not TimeoutException && _bodyScope.MayHaveObeyed());

    private void ReportStuck(TimeSpan waited)
    {
        const int Shown = 5;
        var tasks = GetTasks();
        var where = tasks.Take(Shown).Select(DescribeStuck);
        _loop.ReportException(
            $"{this} has waited {waited.TotalSeconds:0.###} s for {tasks.Count} of its tasks, which were cancelled and have not ended: {string.Join("; ", where)}" +
            (tasks.Count > Shown ? "; and others" : ""),
            null,
            _parent,
            this);
    }

    private static string DescribeStuck(LoopTask task)
    {
        var stack = task.GetAwaitStack();
        var place = stack.Frames.Count > 0 ? $" at {stack.Frames[^1]}" : "";
        return stack.WaitsFor is { } wait ? $"{task.Brief}, which waits for {wait}{place}" : $"{task.Brief}{place}";
    }

    /// <summary>
    /// The wait for the group's tasks. It can be cancelled until the group has cancelled them: then they are on their way out, and are
    /// waited for.
    /// </summary>
    private sealed class Join(TaskGroup group) : LoopOperation(group._loop)
    {
        private static readonly Action<object?> OnTimer = static join => ((Join)join!).OnStuck();

        private string? _cancelMessage;
        private bool _isCancelled;
        private TimerHandle _timer;
        private TimeSpan _delay;
        private TimeSpan _waited;

        internal ValueTask WaitAsync()
        {
            Begin();
            _isCancelled = false;
            if (group.IsCancelling)
            {
                StartTimer();
            }

            return new ValueTask(this, Token);
        }

        /// <summary>The group has cancelled its tasks, perhaps while they were being waited for.</summary>
        internal void OnAborting()
        {
            if (IsPending)
            {
                StartTimer();
            }
        }

        internal void Wake()
        {
            _timer.Cancel();
            if (IsPending)
            {
                Complete();
            }
        }

        protected override bool RequestCancel(string? message)
        {
            if (group.IsCancelling)
            {
                return false;
            }

            _isCancelled = true;
            _cancelMessage = message;
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

        private void StartTimer()
        {
            _delay = group._options.ReportStuckAfter;
            if (_delay > TimeSpan.Zero)
            {
                _timer = Loop.CallLater(_delay, OnTimer, this);
            }
        }

        private void OnStuck()
        {
            _waited += _delay;
            group.ReportStuck(_waited);
            _delay *= 2;
            _timer = Loop.CallLater(_delay, OnTimer, this);
        }
    }
}

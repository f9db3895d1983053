
namespace Baton;

public sealed partial class EventLoop
{
    /// <summary>
    /// Runs until <see cref="Stop"/> is called: the batch that calls it is finished, and what that batch queued waits for the next run.
    /// Corresponds to <c>loop.run_forever</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The loop is running or closed, or another loop runs on this thread.</exception>
    public void RunForever()
    {
        Enter(out var previousContext, out var previousExecutionContext, out var isFlowSuppressed);
        try
        {
            do
            {
                RunOnce();
            }
            while (!_stopRequested);
        }
        finally
        {
            Leave(previousContext, previousExecutionContext, isFlowSuppressed);
        }
    }

    /// <summary>
    /// Runs until a coroutine has ended, as the main task. Corresponds to <c>loop.run_until_complete</c>. Other tasks that are left stay
    /// suspended until the loop runs again.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// The loop is running or closed, another loop runs on this thread, or the loop was stopped before the coroutine ended.
    /// </exception>
    public void RunUntilComplete(Coroutine main)
    {
        CheckCanRun();
        RunUntilComplete(CreateTask(main));
    }

    /// <inheritdoc cref="RunUntilComplete(Coroutine)"/>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    public TResult RunUntilComplete<TResult>(Coroutine<TResult> main)
    {
        CheckCanRun();
        var task = CreateTask(main);
        RunUntilComplete(task);
        return task.GetResult();
    }

    /// <summary>Runs until a future or task of this loop is done, and returns or throws as it did.</summary>
    /// <exception cref="InvalidOperationException">
    /// The loop is running or closed, another loop runs on this thread, the future belongs to another loop, or the loop was stopped before
    /// it was done.
    /// </exception>
    public void RunUntilComplete(Future future)
    {
        ArgumentNullException.ThrowIfNull(future);
        CheckCanRun();
        if (!ReferenceEquals(future.Loop, this))
        {
            throw new InvalidOperationException($"{future} belongs to another event loop.");
        }

        Action<Future> stop = StopWhenDone;
        future.AddDoneCallback(stop);
        try
        {
            RunForever();
        }
        finally
        {
            future.RemoveDoneCallback(stop);
        }

        if (!future.IsDone)
        {
            throw new InvalidOperationException($"The event loop was stopped before {future} was done.");
        }

        future.GetResult();
    }

    /// <summary>
    /// Has the loop return from <see cref="RunForever"/> after the current batch. Before the loop runs: it polls once, runs what is ready,
    /// and returns. Corresponds to <c>loop.stop</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public void Stop()
    {
        CheckThread();
        _stopRequested = true;
    }

    private void StopWhenDone(Future future) => Stop();

    private void CheckCanRun()
    {
        switch (_state)
        {
            case State.Closed:
                ThrowClosed();
                break;
            case State.Running:
                throw new InvalidOperationException(
                    IsOnLoopThread
                        ? "This event loop is already running on this thread. Await the coroutine, or make it a task, instead of running the loop again inside itself."
                        : $"This event loop is already running on thread {_threadId}. Use RunCoroutineThreadSafe to run a coroutine on it from here.");
            default:
                CheckNoOtherLoop();
                break;
        }

        // A loop that does not run goes to whoever runs it.
        _threadId = Environment.CurrentManagedThreadId;
    }

    private static void CheckNoOtherLoop()
    {
        if (t_running is { } other)
        {
            throw new InvalidOperationException(
                $"Cannot run an event loop while another one ('{other.Name}') is running on this thread. Await the coroutine instead, or run the second loop " +
                "on a thread of its own.");
        }
    }

    private void Enter(
        out SynchronizationContext? previousContext, out ExecutionContext previousExecutionContext, out bool isFlowSuppressed)
    {
        CheckCanRun();
        previousContext = SynchronizationContext.Current;
        previousExecutionContext = CaptureToReturn(out isFlowSuppressed);
        _state = State.Running;
        t_running = this;
        LoopLog.Started(_logger, Name);
    }

    private void Leave(SynchronizationContext? previousContext, ExecutionContext previousExecutionContext, bool isFlowSuppressed)
    {
        _state = State.Idle;
        _stopRequested = false;
        _itemsSincePoll = MaximumItemsBetweenPolls;
        LeaveTask();
        t_running = null;
        LoopLog.Stopped(_logger, Name);
        SetContext(previousContext);
        ReturnTo(previousExecutionContext, isFlowSuppressed);
    }
}

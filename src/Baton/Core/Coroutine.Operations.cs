using System.Diagnostics.CodeAnalysis;

namespace Baton;

public readonly partial struct Coroutine
{
    /// <summary>Makes a coroutine a task of the current loop. Corresponds to <c>asyncio.create_task</c>.</summary>
    /// <param name="coroutine">What the task runs.</param>
    /// <param name="name">The task's name in reports; <c>Task-N</c> where null.</param>
    /// <param name="eager">Whether the first step runs inside this call. Null leaves it to <see cref="EventLoop.TaskFactory"/>.</param>
    /// <exception cref="InvalidOperationException">No loop runs on this thread, or the coroutine has been used.</exception>
    public static LoopTask Start(Coroutine coroutine, string? name = null, bool? eager = null) =>
        EventLoop.Current.CreateTask(coroutine, name, eager);

    /// <inheritdoc cref="Start(Coroutine, string?, bool?)"/>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    public static LoopTask<TResult> Start<TResult>(Coroutine<TResult> coroutine, string? name = null, bool? eager = null) =>
        EventLoop.Current.CreateTask(coroutine, name, eager);

    /// <summary>
    /// Suspends the current task for at least a time. Always suspends: a delay of zero or less makes exactly one trip through the loop.
    /// Corresponds to <c>asyncio.sleep</c>.
    /// </summary>
    /// <param name="delay">The delay; <see cref="Timeout.InfiniteTimeSpan"/> sleeps until cancelled.</param>
    public static Coroutine Sleep(TimeSpan delay)
    {
        var nanoseconds = delay == System.Threading.Timeout.InfiniteTimeSpan ? long.MaxValue : EventLoop.ToNanoseconds(delay);
        var sleep = SleepOperation.Rent(nanoseconds);
        return new Coroutine(sleep, sleep.Version);
    }

    /// <summary>A <see cref="Sleep(TimeSpan)"/> that returns a value. Corresponds to <c>asyncio.sleep</c> with a <c>result</c>.</summary>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <param name="delay">The delay.</param>
    /// <param name="result">What the coroutine returns.</param>
    public static async Coroutine<TResult> Sleep<TResult>(TimeSpan delay, TResult result)
    {
        await Sleep(delay);
        return result;
    }

    /// <summary>
    /// Lets everything else that is ready run first: one trip through the loop. A point of cancellation. Corresponds to
    /// <c>asyncio.sleep(0)</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public static YieldAwaitable Yield() => new(EventLoop.Current);

    /// <summary>
    /// Throws if a request to cancel the current task, or a cancel scope around this code, is waiting to be delivered: a point of
    /// cancellation without a trip through the loop, for long computations and for code that has waited for something that cannot be
    /// cancelled. Does nothing outside of tasks.
    /// </summary>
    /// <exception cref="CancelledException">The task has been cancelled, and this is where it is told.</exception>
    public static void ThrowIfCancelled()
    {
        if (LoopTask.Current is { } task && task.TryTakePendingCancel(task.Loop.CurrentScope, out var cancelled))
        {
            throw cancelled;
        }
    }

    /// <summary>A coroutine that returns a value without suspending.</summary>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    [SuppressMessage("Design", "CA1000", Justification = "The type argument is inferred.")]
#pragma warning disable CS1998 // There is nothing to await.
    public static async Coroutine<TResult> FromResult<TResult>(TResult result) => result;

    /// <summary>A coroutine that throws when it is awaited.</summary>
    public static async Coroutine FromException(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        throw exception;
    }

    /// <inheritdoc cref="FromException(Exception)"/>
    /// <typeparam name="TResult">The type of the result that never comes.</typeparam>
    public static async Coroutine<TResult> FromException<TResult>(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        throw exception;
    }
#pragma warning restore CS1998

    /// <summary>
    /// Waits for a task of the BCL so that cancelling the current task ends the wait at once. The BCL's task is then left running, and a
    /// later failure of it is observed. Corresponds to <c>asyncio.wrap_future</c>.
    /// </summary>
    /// <remarks>
    /// A plain <c>await task</c> comes back to the loop just as well, but cannot be interrupted: the cancellation arrives after it. It does
    /// here too where the task has ended before the cancellation.
    /// </remarks>
    public static async Coroutine FromTask(Task task)
    {
        ArgumentNullException.ThrowIfNull(task);
        if (!task.IsCompleted)
        {
            await TaskFuture.Create(EventLoop.Current, task);
        }

        task.GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="FromTask(Task)"/>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    public static async Coroutine<TResult> FromTask<TResult>(Task<TResult> task)
    {
        ArgumentNullException.ThrowIfNull(task);
        if (!task.IsCompleted)
        {
            await TaskFuture.Create(EventLoop.Current, task);
        }

        return task.GetAwaiter().GetResult();
    }
}

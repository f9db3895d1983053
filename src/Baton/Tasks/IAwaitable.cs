namespace Baton;

/// <summary>
/// A <see cref="Coroutine"/>, a <see cref="Future"/> or a <see cref="LoopTask"/>, where any of them will do. Corresponds to what asyncio
/// calls an awaitable.
/// </summary>
/// <remarks>Only these implement it. To pass something else, call a coroutine method that awaits it.</remarks>
public interface IAwaitable
{
    /// <summary>What to wait for: the future itself, or the task that the coroutine becomes.</summary>
    /// <exception cref="InvalidOperationException">The future is another loop's, or the coroutine has been used.</exception>
    internal Future ToFuture(EventLoop loop);
}

/// <summary>
/// A <see cref="Coroutine{TResult}"/>, a <see cref="Future{TResult}"/> or a <see cref="LoopTask{TResult}"/>, where any of them will do.
/// </summary>
/// <typeparam name="TResult">The type of the result.</typeparam>
public interface IAwaitable<TResult> : IAwaitable
{
    /// <summary>The result of what <see cref="IAwaitable.ToFuture"/> returned, which is done and has one.</summary>
    internal static TResult ResultOf(Future future) =>
        future is LoopTask<TResult> task ? task.GetResult() : ((Future<TResult>)future).GetResult();
}

public readonly partial struct Coroutine : IAwaitable
{
    Future IAwaitable.ToFuture(EventLoop loop) => loop.CreateTask(this);
}

public readonly partial struct Coroutine<TResult> : IAwaitable<TResult>
{
    Future IAwaitable.ToFuture(EventLoop loop) => loop.CreateTask(this);
}

public partial class Future : IAwaitable
{
    Future IAwaitable.ToFuture(EventLoop loop) => ReferenceEquals(Loop, loop)
        ? this
        : throw new InvalidOperationException(
            $"{this} belongs to event loop '{Loop.Name}', and this is event loop '{loop.Name}'. Wait for it on its own loop: pass a coroutine that does to " +
            "EventLoop.RunCoroutineThreadSafe, and the task that this returns to Coroutine.FromTask.");

    /// <summary>The exception of a future that failed or was cancelled; it counts as retrieved.</summary>
    internal Exception TakeException()
    {
        try
        {
            return GetException()!;
        }
        catch (CancelledException cancelled)
        {
            return cancelled;
        }
    }
}

public partial class Future<TResult> : IAwaitable<TResult>;

public sealed partial class LoopTask<TResult> : IAwaitable<TResult>;

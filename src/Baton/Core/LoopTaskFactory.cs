namespace Baton;

/// <summary>
/// Makes the tasks of a loop whose <see cref="EventLoop.TaskFactory"/> it is: derive from it to name tasks, to count them, or to wrap what
/// they run. Corresponds to the factories of <c>loop.set_task_factory</c>.
/// </summary>
/// <remarks>
/// An override changes the arguments, or what the coroutine does, and calls <c>base.Create</c>; calling <c>loop.CreateTask</c> would come
/// back to the factory. Where it throws, so does whoever asked for a task, and the coroutine has not been used.
/// </remarks>
public abstract class LoopTaskFactory
{
    /// <summary>
    /// Makes every task eager of which the caller does not say otherwise, while its loop runs: its first step runs inside the call that
    /// makes it. Corresponds to <c>asyncio.eager_task_factory</c>.
    /// </summary>
    /// <remarks>
    /// Fewer trips through the loop where most tasks never wait, at the price of another order: code after the call finds the step done.
    /// </remarks>
    public static LoopTaskFactory Eager { get; } = new EagerFactory();

    /// <summary>Makes a task. The default makes the ordinary one.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="coroutine">What the task runs.</param>
    /// <param name="name">The name in reports; <c>Task-N</c> where null.</param>
    /// <param name="eager">Whether the first step runs inside this call; null where the caller did not say.</param>
    /// <param name="scope">A cancel scope that reaches the task too; null for none.</param>
    /// <exception cref="InvalidOperationException">
    /// As <see cref="EventLoop.CreateTask(Coroutine, string?, bool?, CancelScope?)"/>.
    /// </exception>
    public virtual LoopTask Create(EventLoop loop, Coroutine coroutine, string? name, bool? eager, CancelScope? scope)
    {
        ArgumentNullException.ThrowIfNull(loop);
        return loop.CreateOrdinaryTask(coroutine, name, eager ?? false, scope);
    }

    /// <inheritdoc cref="Create(EventLoop, Coroutine, string?, bool?, CancelScope?)"/>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    public virtual LoopTask<TResult> Create<TResult>(
        EventLoop loop, Coroutine<TResult> coroutine, string? name, bool? eager, CancelScope? scope)
    {
        ArgumentNullException.ThrowIfNull(loop);
        return loop.CreateOrdinaryTask(coroutine, name, eager ?? false, scope);
    }

    private sealed class EagerFactory : LoopTaskFactory
    {
        public override LoopTask Create(EventLoop loop, Coroutine coroutine, string? name, bool? eager, CancelScope? scope)
        {
            ArgumentNullException.ThrowIfNull(loop);
            return base.Create(loop, coroutine, name, eager ?? loop.IsRunning, scope);
        }

        public override LoopTask<TResult> Create<TResult>(
            EventLoop loop, Coroutine<TResult> coroutine, string? name, bool? eager, CancelScope? scope)
        {
            ArgumentNullException.ThrowIfNull(loop);
            return base.Create(loop, coroutine, name, eager ?? loop.IsRunning, scope);
        }
    }
}

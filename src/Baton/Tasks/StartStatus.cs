namespace Baton;

/// <summary>
/// With which a task that <see cref="TaskGroup.StartAsync(Func{StartStatus, Coroutine}, string?)"/> starts says that it is ready.
/// Corresponds to trio's <c>task_status</c>.
/// </summary>
public sealed class StartStatus
{
    internal StartStatus(Future ready) => Ready = ready;

    /// <summary>Whether the task has said that it is ready.</summary>
    public bool IsStarted => Ready is { IsDone: true, IsCancelled: false, IsFailed: false };

    internal Future Ready { get; }

    /// <summary>
    /// Says that the task is ready: whoever has started it goes on. Does nothing where nobody waits for that any more, because the task is
    /// being cancelled.
    /// </summary>
    /// <exception cref="InvalidOperationException">The task has said so before, or this is not the loop's thread.</exception>
    public void Started()
    {
        CheckNotStarted(IsStarted);
        Ready.TrySetResult();
    }

    internal static void CheckNotStarted(bool isStarted)
    {
        if (isStarted)
        {
            throw new InvalidOperationException("The task has said before that it has started: Started can be called once.");
        }
    }
}

/// <summary>
/// As <see cref="StartStatus"/>, for a task that hands a value to whoever starts it, such as the port on which it listens.
/// </summary>
/// <typeparam name="T">The type of the value.</typeparam>
public sealed class StartStatus<T>
{
    internal StartStatus(Future<T> ready) => Ready = ready;

    /// <inheritdoc cref="StartStatus.IsStarted"/>
    public bool IsStarted => Ready is { IsDone: true, IsCancelled: false, IsFailed: false };

    internal Future<T> Ready { get; }

    /// <summary>
    /// Says that the task is ready, and hands over a value. Does nothing where nobody waits for that any more, because the task is being
    /// cancelled.
    /// </summary>
    /// <exception cref="InvalidOperationException">The task has said so before, or this is not the loop's thread.</exception>
    public void Started(T value)
    {
        StartStatus.CheckNotStarted(IsStarted);
        Ready.TrySetResult(value);
    }
}

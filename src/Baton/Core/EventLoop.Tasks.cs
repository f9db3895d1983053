using System.Runtime.CompilerServices;

namespace Baton;

public sealed partial class EventLoop
{
    private LoopTask? _tasks;
    private int _taskCount;
    private int _taskNumber;

    /// <summary>Tasks that are to be cancelled by a cancellation that spreads. Empty but while one does.</summary>
    internal List<LoopTask> CancellingTasks { get; } = [];

    /// <summary>Tasks that a cancellation that spreads has reached. Empty but while one does.</summary>
    internal List<LoopTask> ReachedTasks { get; } = [];

    /// <summary>Calls from other threads whose coroutines have not ended.</summary>
    internal HashSet<IAbandonable> OpenCalls { get; } = [];

    /// <summary>Tasks that are not done.</summary>
    public int TaskCount => _taskCount;

    /// <summary>The tasks that are not done, oldest first. Corresponds to <c>asyncio.all_tasks</c>.</summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public IReadOnlyCollection<LoopTask> AllTasks()
    {
        CheckThread();
        var tasks = new LoopTask[_taskCount];
        var index = _taskCount;
        for (var task = _tasks; task is not null; task = task.Next)
        {
            tasks[--index] = task;
        }

        return tasks;
    }

    /// <summary>
    /// What makes the tasks of this loop, whoever asks for one; null makes ordinary tasks. Corresponds to <c>loop.set_task_factory</c>.
    /// </summary>
    public LoopTaskFactory? TaskFactory { get; set; }

    /// <summary>
    /// Makes a coroutine a task: it starts in the next iteration, in the order of creation, or at once. Corresponds to
    /// <c>loop.create_task</c>.
    /// </summary>
    /// <param name="coroutine">What the task runs.</param>
    /// <param name="name">The name in reports; <c>Task-N</c> where null.</param>
    /// <param name="eager">
    /// Whether the first step runs inside this call, as asyncio's eager tasks do. Code after the call then finds whatever that step did.
    /// Where eager tasks start eager tasks until the stack is nearly used up, the next one starts in the next iteration instead. Null
    /// leaves it to the <see cref="TaskFactory"/>; without one the task is not eager.
    /// </param>
    /// <param name="scope">
    /// A cancel scope that reaches the task too, besides those that the task enters itself; of one that throws once, the nearest around it
    /// that does not, or that is a shield. For those who wait for the task before they leave the scope, as task groups do; a task that is
    /// left when its scope ends goes on in the scope around that.
    /// </param>
    /// <exception cref="InvalidOperationException">
    /// The coroutine has been used, the loop is closed, this is not its thread, an eager start was asked of a loop that does not run, or
    /// the scope is not entered.
    /// </exception>
    public LoopTask CreateTask(Coroutine coroutine, string? name = null, bool? eager = null, CancelScope? scope = null)
    {
        if (TaskFactory is { } factory)
        {
            CheckCanCreate(eager ?? false, scope);
            return CheckMade(factory.Create(this, coroutine, name, eager, scope), factory);
        }

        return CreateOrdinaryTask(coroutine, name, eager ?? false, scope);
    }

    /// <inheritdoc cref="CreateTask(Coroutine, string?, bool?, CancelScope?)"/>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    public LoopTask<TResult> CreateTask<TResult>(
        Coroutine<TResult> coroutine, string? name = null, bool? eager = null, CancelScope? scope = null)
    {
        if (TaskFactory is { } factory)
        {
            CheckCanCreate(eager ?? false, scope);
            return CheckMade(factory.Create(this, coroutine, name, eager, scope), factory);
        }

        return CreateOrdinaryTask(coroutine, name, eager ?? false, scope);
    }

    /// <summary>Creates a future without a result. Corresponds to <c>loop.create_future</c>.</summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public Future CreateFuture() => new PlainFuture(this);

    /// <summary>Creates a future. Corresponds to <c>loop.create_future</c>.</summary>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public Future<TResult> CreateFuture<TResult>() => new(this);

    internal LoopTask CreateOrdinaryTask(Coroutine coroutine, string? name, bool eager, CancelScope? scope)
    {
        CheckCanCreate(eager, scope);
        coroutine.Source?.Claim(coroutine.Version);
        var task = new LoopTask(this, coroutine.Source, name);
        Register(task, eager, scope);
        return task;
    }

    internal LoopTask<TResult> CreateOrdinaryTask<TResult>(Coroutine<TResult> coroutine, string? name, bool eager, CancelScope? scope)
    {
        CheckCanCreate(eager, scope);
        coroutine.Source?.Claim(coroutine.Version);
        var task = new LoopTask<TResult>(this, coroutine.Source, name);
        Register(task, eager, scope);
        return task;
    }

    internal int NextTaskNumber() => ++_taskNumber;

    internal void Unregister(LoopTask task)
    {
        if (task.Previous is null)
        {
            _tasks = task.Next;
        }
        else
        {
            task.Previous.Next = task.Next;
        }

        if (task.Next is not null)
        {
            task.Next.Previous = task.Previous;
        }

        task.Next = null;
        task.Previous = null;
        _taskCount--;
    }

    private void Register(LoopTask task, bool eager, CancelScope? scope)
    {
        if (scope?.NearestForTasks() is { } nearest)
        {
            task.JoinScope(nearest);
        }

        task.Next = _tasks;
        if (_tasks is not null)
        {
            _tasks.Previous = task;
        }

        _tasks = task;
        _taskCount++;
        if (eager && RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            StartEagerly(task);
        }
        else
        {
            KeepArrivalOrder();
            _ready.Enqueue(task);
        }
    }

    /// <summary>Runs the first step of a task inside the step, or callback, that made it.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)] // As RunBatch: the step of another task begins here.
    private void StartEagerly(LoopTask task)
    {
        // A limit around it counts from before the timers that it sets: of equal deadlines its own comes first.
        CurrentScope?.SetWaitingTimers();
        var current = CurrentTask;
        var scope = CurrentScope;
        var suspended = IsContextSuspended;
        var next = _next;
        var budget = _budget;
        var synchronizationContext = SynchronizationContext.Current;
        var context = CaptureToReturn(out var isFlowSuppressed);
        _next = null;
        task.Run(this);
        _next = next;
        _budget = budget;
        CurrentTask = current;
        CurrentScope = scope;
        IsContextSuspended = suspended;
        SetContext(synchronizationContext);
        ReturnTo(context, isFlowSuppressed);
    }

    private void CheckCanCreate(bool eager, CancelScope? scope)
    {
        CheckThread();
        CheckOpen();
        if (eager && !ReferenceEquals(t_running, this))
        {
            throw new InvalidOperationException("A task can start eagerly only while its event loop is running.");
        }

        scope?.CheckCanHold(this);
    }

    private TTask CheckMade<TTask>(TTask? task, LoopTaskFactory factory)
        where TTask : LoopTask
    {
        if (task is null || !ReferenceEquals(task.Loop, this))
        {
            var what = task is null ? "null" : $"{task}, which belongs to another loop";
            throw new InvalidOperationException(
                $"The task factory {factory.GetType().Name} of event loop '{Name}' returned {what}. It must return what base.Create returns.");
        }

        return task;
    }

    private sealed class PlainFuture(EventLoop loop) : Future(loop);
}

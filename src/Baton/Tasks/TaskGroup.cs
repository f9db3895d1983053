namespace Baton;

/// <summary>
/// Tasks that end together: the group's block is left only when all of them have ended. The first failure cancels the others and the block.
/// Corresponds to <c>asyncio.TaskGroup</c>.
/// </summary>
/// <remarks>
/// <para>The group is used through a lambda, <see cref="Run(Func{TaskGroup, Coroutine}, TaskGroupOptions?)"/>, because the end of an
/// <c>await using</c> block cannot see that the block failed.</para>
/// <para>What failed, tasks and body, is thrown as one <see cref="AggregateException"/>. A task that is cancelled by itself is no failure.
/// When the task that runs the block is cancelled, so are the group's tasks, and the <see cref="CancelledException"/> goes on once they
/// have ended.</para>
/// <para>All members are for the loop's thread.</para>
/// </remarks>
public sealed partial class TaskGroup
{
    private readonly EventLoop _loop;
    private readonly TaskGroupOptions _options;
    private readonly Join _join;

    // Let go of when the group has ended.
    private LoopTask _parent;
    private CancelScope? _outerScope;
    private CancelScope _bodyScope;
    private List<Exception> _failures = [];

    private Member? _firstMember;
    private int _count;
    private State _state;

    private TaskGroup(TaskGroupOptions? options)
    {
        _loop = EventLoop.Current;
        _options = options ?? new TaskGroupOptions();
        if (_options is { TaskFailed: not null, Supervise: false })
        {
            throw new ArgumentException(
                "TaskGroupOptions.TaskFailed is for groups that supervise: set Supervise as well, or a failure would cancel the group.",
                nameof(options));
        }

        _parent = LoopTask.Current ?? throw new InvalidOperationException(
            "A task group was opened outside of a task. Make the code that opens it a task: see Coroutine.Start.");
        _outerScope = CancelScope.Current;
        _bodyScope = new CancelScope { IsLevelTriggered = false };
        _join = new Join(this);
    }

    private enum State : byte
    {
        Open,

        /// <summary>Its tasks have been cancelled; no more can be added.</summary>
        Aborting,
        Ended,
    }

    /// <summary>The name in reports, where the group was given one.</summary>
    public string? Name => _options.Name;

    /// <summary>Tasks of the group that have not ended.</summary>
    public int Count => _count;

    /// <summary>
    /// Whether the group has cancelled its tasks: because of a failure, of <see cref="Cancel"/>, or because its own task was cancelled.
    /// </summary>
    public bool IsCancelling => _state == State.Aborting;

    /// <summary>Runs a block with a group of tasks, and waits for all of them.</summary>
    /// <param name="body">Called with the group; starts tasks by <see cref="CreateTask(Coroutine, string?, bool?)"/>.</param>
    /// <param name="options">How the group behaves.</param>
    /// <exception cref="AggregateException">The body or tasks failed.</exception>
    /// <exception cref="CancelledException">The task that runs this was cancelled.</exception>
    /// <exception cref="ArgumentException">The options have a failure handler and do not supervise.</exception>
    /// <exception cref="InvalidOperationException">Outside of a task.</exception>
    public static async Coroutine Run(Func<TaskGroup, Coroutine> body, TaskGroupOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        var group = new TaskGroup(options);
        group._bodyScope.Enter();
        Exception? exception = null;
        try
        {
            await body(group);
            group._bodyScope.Exit();
        }
        catch (Exception thrown)
        {
            exception = group._bodyScope.Exit(thrown) ? null : thrown;
            group.Abort((thrown as CancelledException)?.Message);
        }

        await group.EndAsync(exception);
    }

    /// <summary>Runs a block with a group of tasks, waits for all of them, and returns what the block returned.</summary>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <param name="body">Called with the group; starts tasks by <see cref="CreateTask(Coroutine, string?, bool?)"/>.</param>
    /// <param name="options">How the group behaves.</param>
    /// <returns>The body's result; the type's default where <see cref="Cancel"/> ended the body.</returns>
    /// <exception cref="AggregateException">The body or tasks failed.</exception>
    /// <exception cref="CancelledException">The task that runs this was cancelled.</exception>
    /// <exception cref="ArgumentException">The options have a failure handler and do not supervise.</exception>
    /// <exception cref="InvalidOperationException">Outside of a task.</exception>
    public static async Coroutine<TResult> Run<TResult>(Func<TaskGroup, Coroutine<TResult>> body, TaskGroupOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        TResult result = default!;
        await Run(async Coroutine (group) => result = await body(group), options);
        return result;
    }

    /// <summary>Makes a coroutine a task of the group. Corresponds to <c>TaskGroup.create_task</c>.</summary>
    /// <param name="coroutine">What the task runs.</param>
    /// <param name="name">The task's name in reports; <c>Task-N</c> where null.</param>
    /// <param name="eager">Whether the first step runs inside this call; null leaves it to the loop's task factory.</param>
    /// <exception cref="InvalidOperationException">The group has ended or is cancelling its tasks. The coroutine is closed.</exception>
    public LoopTask CreateTask(Coroutine coroutine, string? name = null, bool? eager = null)
    {
        if (!CanCreate(out var refusal))
        {
            coroutine.Close();
            throw refusal;
        }

        var task = _loop.CreateTask(coroutine, name, eager, _outerScope);
        Add(new Member(this, task));
        return task;
    }

    /// <inheritdoc cref="CreateTask(Coroutine, string?, bool?)"/>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    public LoopTask<TResult> CreateTask<TResult>(Coroutine<TResult> coroutine, string? name = null, bool? eager = null)
    {
        if (!CanCreate(out var refusal))
        {
            coroutine.Close();
            throw refusal;
        }

        var task = _loop.CreateTask(coroutine, name, eager, _outerScope);
        Add(new Member(this, task));
        return task;
    }

    /// <summary>
    /// Ends the group early: cancels its tasks and the block, which is then left without an exception. Does nothing when the group is
    /// cancelling its tasks already, or has ended. Corresponds to <c>TaskGroup.cancel</c> of Python 3.15.
    /// </summary>
    /// <param name="message">The message of the <see cref="CancelledException"/> that the tasks get.</param>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public void Cancel(string? message = null)
    {
        _loop.CheckThread();
        if (_state == State.Open)
        {
            CancelAll(message ?? $"{this} was cancelled.");
        }
    }

    /// <summary>The tasks of the group that have not ended, in the order in which they were made.</summary>
    public IReadOnlyList<LoopTask> GetTasks()
    {
        _loop.CheckThread();
        var tasks = new List<LoopTask>(_count);
        for (var member = _firstMember; tasks.Count < _count; member = member.Next)
        {
            tasks.Add(member!.Task);
        }

        return tasks;
    }

    /// <inheritdoc/>
    public override string ToString() => $"TaskGroup{(Name is null ? "" : $" '{Name}'")}";

    private bool CanCreate(out InvalidOperationException refusal)
    {
        _loop.CheckThread();
        refusal = _state switch
        {
            State.Open => null!,
            State.Aborting => new InvalidOperationException($"{this} is cancelling its tasks and takes no new ones."),
            _ => new InvalidOperationException($"{this} has ended. Start tasks inside of its block only."),
        };
        return refusal is null;
    }

    private void Add(Member member)
    {
        // A ring, so that the last one is found from the first: they are cancelled in the order in which they were made.
        if (_firstMember is not { } first)
        {
            _firstMember = member.Next = member.Previous = member;
        }
        else
        {
            (member.Previous, member.Next) = (first.Previous, first);
            member.Previous.Next = first.Previous = member;
        }

        _count++;
        member.Task.AddDoneCallback(static (_, member) => ((Member)member!).OnDone(), member, _parent);
        if (_state == State.Aborting)
        {
            // A task that started eagerly has cancelled the group in its first step, before it was a part of it.
            member.Task.Cancel();
        }
    }

    private void Remove(Member member)
    {
        if (--_count == 0)
        {
            _firstMember = null;
            _join.Wake();
            return;
        }

        member.Previous.Next = member.Next;
        member.Next.Previous = member.Previous;
        if (_firstMember == member)
        {
            _firstMember = member.Next;
        }
    }

    private void OnFailed(LoopTask task, Exception exception)
    {
        if (!_options.Supervise)
        {
            _failures.Add(exception);
            if (_state == State.Open)
            {
                CancelAll($"{task.Brief} of {this} has failed.");
            }
        }
        else if (_options.TaskFailed is not { } handler)
        {
            _failures.Add(exception);
        }
        else
        {
            try
            {
                handler(task, exception);
            }
            catch (Exception thrown)
            {
                _failures.Add(exception);
                _failures.Add(thrown);
                if (_state == State.Open)
                {
                    CancelAll($"The failure handler of {this} has failed.");
                }
            }
        }
    }

    /// <summary>Cancels the tasks, and the block if it still runs.</summary>
    private void CancelAll(string message)
    {
        Abort(message);
        _bodyScope.Cancel(message);
    }

    private void Abort(string? message = null)
    {
        if (_state != State.Open)
        {
            return;
        }

        _state = State.Aborting;
        foreach (var task in GetTasks())
        {
            task.Cancel(message);
        }

        _join.OnAborting();
    }

    /// <summary>A task in the group's list.</summary>
    private sealed class Member(TaskGroup group, LoopTask task)
    {
        internal Member Next = null!;
        internal Member Previous = null!;

        internal LoopTask Task => task;

        /// <summary>For a task that has to report that it is ready: where it reports.</summary>
        internal Future? Ready { get; init; }

        internal void OnDone()
        {
            var failure = task.IsCancelled ? null : task.GetException();
            var isStartOver = Ready is not null && EndStart(Ready, task, failure);
            if (failure is not null && !isStartOver)
            {
                group.OnFailed(task, failure);
            }

            group.Remove(this);
        }
    }
}

using System.Threading.Tasks.Sources;

namespace Baton;

/// <summary>
/// An operation that a task can be suspended in, awaited through a <see cref="ValueTask"/>: a receive, an accept, a wait of one's own
/// making. The base of everything outside the core that completes later; reusable, one use at a time.
/// </summary>
/// <remarks>
/// <para>The life of a use: <see cref="Begin"/>; then either the operation is done at once and its result is handed out without suspending,
/// or the <see cref="Token"/> goes into a <see cref="ValueTask"/> and some day, on the loop thread, <see cref="Complete"/> is called,
/// exactly once. The awaiting code then runs from the ready queue, never inside <see cref="Complete"/>. <see cref="OnResultTaken"/> ends
/// the use.</para>
/// <para>While code awaits it, the operation is a leaf of the current task: cancelling the task calls <see cref="RequestCancel"/>.</para>
/// <para>All members are for the loop thread.</para>
/// </remarks>
public abstract class LoopOperation : LoopItem, IValueTaskSource
{
    private short _version;
    private State _state;
    private bool _useContext;
    private bool _isFaulted;
    private bool _isCancelAccepted;
    private bool _isTaskCancelAccepted;
    private LoopTask? _task;
    private CancelScope? _scope;
    private object? _continuation; // a CoroutineBox, or an Action<object?> that takes _continuationState
    private object? _continuationState;
    private ExecutionContext? _executionContext;

    /// <summary>Creates an operation of a loop.</summary>
    protected LoopOperation(EventLoop loop)
    {
        ArgumentNullException.ThrowIfNull(loop);
        Loop = loop;
    }

    private enum State : byte
    {
        Idle,
        Pending,
        Completed,

        /// <summary>Completed, but to be seen so only after a trip through the queue.</summary>
        Deferred,
        Queued,
    }

    /// <summary>The loop to which the operation belongs.</summary>
    public EventLoop Loop { get; }

    /// <summary>Whether a use has begun whose result has not been taken yet.</summary>
    public bool IsInUse => _state != State.Idle;

    /// <summary>Whether a use has begun and <see cref="Complete"/> has not been called yet.</summary>
    public bool IsPending => _state == State.Pending;

    /// <summary>Names the current use in a <see cref="ValueTask"/>.</summary>
    protected short Token => _version;

    /// <summary>Starts a use. Throws when the previous one has not ended, or when called off the loop thread.</summary>
    /// <exception cref="InvalidOperationException">The operation is in use, or this is not the loop's thread.</exception>
    protected void Begin()
    {
        Loop.CheckThread();
        if (_state != State.Idle)
        {
            throw new InvalidOperationException($"Another {Describe()} is still in progress; await it before you start the next.");
        }

        _state = State.Pending;
        _isCancelAccepted = false;
        _isTaskCancelAccepted = false;
    }

    /// <summary>Ends a use that was done at once, whose result is handed out directly instead of through <see cref="Token"/>.</summary>
    protected void EndSynchronously()
    {
        _version++;
        _state = State.Idle;
    }

    /// <summary>
    /// Reports that the operation is done. The code that awaits it runs in the next batch; where there is none yet, as soon as there is.
    /// </summary>
    /// <param name="faulted">
    /// Whether taking the result will throw. It must be true where a cancellation was accepted and the operation ends as cancelled: with
    /// false, the result is delivered and the cancellation holds for the next suspension.
    /// </param>
    public void Complete(bool faulted = false)
    {
        if (_state != State.Pending)
        {
            throw new InvalidOperationException($"The {Describe()} was completed twice.");
        }

        _isFaulted = faulted;
        _state = State.Completed;
        if (_isCancelAccepted)
        {
            // Where it was too late the result is delivered, and the cancellation holds for the next suspension.
            if (_isTaskCancelAccepted && !faulted)
            {
                _task?.DeferCancel(isServed: false);
            }

            _scope?.EndAccepted(this, hasResult: !faulted);
        }

        if (_continuation is not null)
        {
            _state = State.Queued;
            Loop.Ready(this);
        }
    }

    /// <summary>
    /// For an operation that is done at once when the step's budget is used up (<see cref="EventLoop.TryConsumeBudget"/>): its awaiter
    /// suspends all the same, and gets the result in the next batch.
    /// </summary>
    protected void CompleteThroughQueue(bool faulted = false)
    {
        Complete(faulted);
        if (_state == State.Completed)
        {
            _state = State.Deferred;
        }
    }

    /// <summary>
    /// Asks the pending operation to end early. Whatever it does, <see cref="Complete"/> must be called, now or later, exactly once: with
    /// the result where the operation had already happened, so that nothing is lost, else so that taking the result throws
    /// <see cref="CancelledException"/>.
    /// </summary>
    /// <returns>
    /// False when the operation cannot be cancelled; the cancellation then arrives at the task's next suspension. Once true, it is not
    /// asked again.
    /// </returns>
    protected abstract bool RequestCancel(string? message);

    /// <summary>Takes the result of a completed use: throws where it failed. The use has ended when this is called.</summary>
    protected abstract void OnResultTaken();

    /// <summary>
    /// Checks a token, ends the use and so makes the operation free for the next. For the <c>GetResult</c> of derived sources.
    /// </summary>
    /// <exception cref="InvalidOperationException">The result has been taken already, or is not there yet.</exception>
    protected void EndUse(short token)
    {
        if (token != _version || _state is State.Idle)
        {
            throw new InvalidOperationException(
                "The result of this operation has already been taken: a ValueTask can be awaited only once.");
        }

        if (_state == State.Pending)
        {
            throw new InvalidOperationException(
                "The operation has not completed. Await it: its result cannot be waited for on the loop's own thread.");
        }

        _version++;
        _state = State.Idle;
        _continuation = null;
        _continuationState = null;
        _executionContext = null;
        _scope = null;
    }

    /// <summary>
    /// Makes an operation that was about to resume its awaiter wait again: what it had waited for was not there after all.
    /// </summary>
    private protected void Reopen()
    {
        _state = State.Pending;

        // A cancel that came in between, or that came before and was too late for the wait that is over, is still owed; adding the leaf
        // delivers it.
        _isCancelAccepted = false;
        _isTaskCancelAccepted = false;
        if (_task is { } task)
        {
            task.RemoveLeaf(this);
            task.AddLeaf(this, CancelScope.Holding(_scope));
        }
    }

    void IValueTaskSource.GetResult(short token)
    {
        EndUse(token);
        OnResultTaken();
    }

    /// <summary>The state of the use that <paramref name="token"/> names.</summary>
    public ValueTaskSourceStatus GetStatus(short token)
    {
        if (token != _version)
        {
            throw new InvalidOperationException(
                "The result of this operation has already been taken: a ValueTask can be awaited only once.");
        }

        return _state switch
        {
            State.Pending or State.Deferred => ValueTaskSourceStatus.Pending,
            _ => _isFaulted ? ValueTaskSourceStatus.Faulted : ValueTaskSourceStatus.Succeeded,
        };
    }

    /// <summary>Registers the code that awaits the operation. Called by the compiler's awaiters.</summary>
    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        ArgumentNullException.ThrowIfNull(continuation);
        Loop.CheckThread();
        if (token != _version || _state == State.Idle || _continuation is not null)
        {
            throw new InvalidOperationException("The operation is already awaited: a ValueTask can be awaited only once.");
        }

        if (state is Action { Target: CoroutineBox box })
        {
            // A coroutine awaits through the compiler's ValueTaskAwaiter: resume it directly instead of through two delegates.
            _continuation = box;
            _task = box.Task;
            _scope = box.Scope;
        }
        else
        {
            _continuation = continuation;
            _continuationState = state;
            _task = Loop.CurrentTask;
            _scope = Loop.CurrentScope;
            _useContext = (flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext) != 0
                && SynchronizationContext.Current is LoopSynchronizationContext;
            _executionContext = (flags & ValueTaskSourceOnCompletedFlags.FlowExecutionContext) != 0 ? ExecutionContext.Capture() : null;
        }

        if (_state is State.Completed or State.Deferred)
        {
            _state = State.Queued;
            Loop.Ready(this);
        }
        else
        {
            _task?.AddLeaf(this, _scope);
        }
    }

    internal override void Run(EventLoop loop)
    {
        var task = _task;
        _task = null;
        task?.RemoveLeaf(this);
        var continuation = _continuation!;
        if (continuation is CoroutineBox box)
        {
            box.Run(loop);
            return;
        }

        var state = _continuationState;
        var context = _executionContext;
        loop.EnterForeign(task, _scope, _useContext, context);
        ((Action<object?>)continuation)(state);
    }

    internal sealed override CancelScope? WaitScope => _scope;

    internal override bool MayEndWithResult => IsPending;

    internal override bool IsWaitOver => _state == State.Queued;

    internal override CoroutineBox? Resumes => _continuation as CoroutineBox;

    internal override bool CancelWait(string? message, CancelScope? origin)
    {
        if (_state != State.Pending)
        {
            return _isCancelAccepted && _isFaulted;
        }

        if (!_isCancelAccepted && RequestCancel(message))
        {
            _isCancelAccepted = _state == State.Pending || _isFaulted;
        }

        if (_isCancelAccepted && _state == State.Pending)
        {
            // Whose cancellation is owed again, should the operation come to a result after all.
            _isTaskCancelAccepted |= origin is null;
            origin?.AcceptBy(this);
        }

        return _isCancelAccepted;
    }
}

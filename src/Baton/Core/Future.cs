using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Baton;

/// <summary>
/// Something that will be done: pending, then for good done with a result, failed or cancelled. Can be awaited any number of times, by any
/// number of tasks of its loop. Corresponds to <c>asyncio.Future</c>.
/// </summary>
/// <remarks>
/// <para>Belongs to one loop and to that loop's thread: every method throws <see cref="InvalidOperationException"/> on another one. Nothing
/// that awaits it runs inside <c>SetResult</c>: completing a future puts its callbacks and awaiting coroutines in the ready queue, in the
/// order in which they came.</para>
/// </remarks>
public partial class Future : LoopItem
{
    // null, or a FutureCallback, or the item of a coroutine that awaits, or a list of these; in the order of registration.
    private object? _callbacks;

    // The captured failure or cancellation; a message for a cancellation whose exception nobody has asked for; an UnretrievedFailure while
    // nobody has looked.
    private object? _outcome;
    private FutureState _state;

    /// <summary>For futures of a kind of their own, such as one that passes a cancellation on: see <see cref="CancelAsAwaited"/>.</summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    protected Future(EventLoop loop)
    {
        ArgumentNullException.ThrowIfNull(loop);
        loop.CheckThread();
        Loop = loop;
        loop.DebugState?.NoteCreation(this);
    }

    private enum FutureState : byte
    {
        Pending,
        Succeeded,
        Failed,
        Cancelled,
    }

    /// <summary>The loop to which the future belongs.</summary>
    public EventLoop Loop { get; }

    /// <summary>Whether the future has a result, failed, or was cancelled. Corresponds to <c>Future.done</c>.</summary>
    public bool IsDone => _state != FutureState.Pending;

    /// <summary>Whether the future was cancelled. Corresponds to <c>Future.cancelled</c>.</summary>
    public bool IsCancelled => _state == FutureState.Cancelled;

    /// <summary>
    /// Whether who awaits the future will be thrown a cancellation: one exception tells of all requests to cancel him until then.
    /// </summary>
    internal virtual bool EndsCancelled => IsCancelled;

    /// <summary>Whether the future failed. Looking at this does not count as retrieving the exception.</summary>
    public bool IsFailed => _state == FutureState.Failed;

    /// <summary>The exception of a failed future, null where it has a result. Corresponds to <c>Future.exception</c>.</summary>
    /// <exception cref="InvalidStateException">The future is not done.</exception>
    /// <exception cref="CancelledException">The future was cancelled.</exception>
    public Exception? GetException()
    {
        Loop.CheckThread();
        switch (_state)
        {
            case FutureState.Pending:
                throw new InvalidStateException($"{this} has no exception yet.");
            case FutureState.Failed:
                return RetrieveFailure().SourceException;
            case FutureState.Cancelled:
                ThrowCancelled();
                return null;
            default:
                return null;
        }
    }

    /// <summary>Returns when the future has a result. Corresponds to <c>Future.result</c>.</summary>
    /// <exception cref="InvalidStateException">The future is not done.</exception>
    /// <exception cref="CancelledException">The future was cancelled.</exception>
    public void GetResult()
    {
        Loop.CheckThread();
        EndAwait();
    }

    /// <summary>Completes the future. Corresponds to <c>Future.set_result</c>.</summary>
    /// <exception cref="InvalidStateException">The future is done.</exception>
    /// <exception cref="InvalidOperationException">This is a task, or a future with a result, or not the loop's thread.</exception>
    public void SetResult()
    {
        if (!TrySetResult())
        {
            ThrowDone();
        }
    }

    /// <summary>Completes the future unless it is done.</summary>
    /// <returns>Whether this call completed it.</returns>
    public virtual bool TrySetResult()
    {
        Loop.CheckThread();
        if (IsDone)
        {
            return false;
        }

        MarkSucceeded();
        return true;
    }

    /// <summary>Makes the future fail. Corresponds to <c>Future.set_exception</c>.</summary>
    /// <exception cref="InvalidStateException">The future is done.</exception>
    /// <exception cref="InvalidOperationException">This is a task, or not the loop's thread.</exception>
    public void SetException(Exception exception)
    {
        if (!TrySetException(exception))
        {
            ThrowDone();
        }
    }

    /// <summary>Makes the future fail unless it is done.</summary>
    /// <returns>Whether this call completed it.</returns>
    public virtual bool TrySetException(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        Loop.CheckThread();
        if (IsDone)
        {
            return false;
        }

        MarkFailed(ExceptionDispatchInfo.Capture(exception));
        return true;
    }

    /// <summary>Cancels the future, or of a task, asks it to end. Corresponds to <c>Future.cancel</c> and <c>Task.cancel</c>.</summary>
    /// <param name="message">The message of the <see cref="CancelledException"/>.</param>
    /// <returns>False when it is done already.</returns>
    public virtual bool Cancel(string? message = null)
    {
        Loop.CheckThread();
        if (IsDone)
        {
            return false;
        }

        MarkCancelled(message);
        return true;
    }

    /// <summary>
    /// Cancels the future on behalf of something that awaits it. A future that passes its cancellation on to others overrides this as well
    /// as <see cref="Cancel"/>, and calls this method of theirs: for a task it only puts the task on a list, so that no chain is too long
    /// for the stack.
    /// </summary>
    /// <returns>False when it is done.</returns>
    protected internal virtual bool CancelAsAwaited(string? message) => Cancel(message);

    /// <summary>
    /// Has a callback called, from the ready queue and in the execution context of now, once the future is done; soon, if it is done
    /// already. Corresponds to <c>Future.add_done_callback</c>.
    /// </summary>
    public void AddDoneCallback(Action<Future> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Loop.CheckThread();
        AddWaiter(new FutureCallback(this, callback));
    }

    /// <inheritdoc cref="AddDoneCallback(Action{Future})"/>
    /// <param name="callback">What to call. A static lambda needs no closure.</param>
    /// <param name="state">What to call it with, beside the future.</param>
    /// <param name="awaitedBy">
    /// The task, or the future, that waits for this one by way of the callback: call graphs show it. Corresponds to
    /// <c>asyncio.future_add_to_awaited_by</c>.
    /// </param>
    public void AddDoneCallback(Action<Future, object?> callback, object? state, Future? awaitedBy = null)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Loop.CheckThread();
        AddWaiter(new FutureStateCallback(this, callback, state, awaitedBy));
    }

    /// <summary>Removes every registration of a callback. Corresponds to <c>Future.remove_done_callback</c>.</summary>
    /// <returns>How many there were.</returns>
    public int RemoveDoneCallback(Action<Future> callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Loop.CheckThread();
        switch (_callbacks)
        {
            case FutureCallback single when single.Callback == callback:
                _callbacks = null;
                return 1;
            case List<LoopItem> list:
                return list.RemoveAll(item => item is FutureCallback other && other.Callback == callback);
            default:
                return 0;
        }
    }

    /// <inheritdoc cref="RemoveDoneCallback(Action{Future})"/>
    /// <param name="callback">The callback.</param>
    /// <param name="state">The state with which it was registered.</param>
    public int RemoveDoneCallback(Action<Future, object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Loop.CheckThread();
        switch (_callbacks)
        {
            case FutureStateCallback single:
                return single.Is(callback, state) && TryRemove(single) ? 1 : 0;
            case List<LoopItem> list:
                return RemoveFrom(list, callback, state);
            default:
                return 0;
        }
    }

    /// <summary>For <c>await</c>.</summary>
    public FutureAwaiter GetAwaiter() => new(this);

    /// <summary>Name and state; in debug mode also the outcome, what a task waits for, the callbacks, and where it was made.</summary>
    public override string ToString() => Loop.IsDebug ? DescribeInDebug() : Brief;

    /// <summary>What the future is called in messages.</summary>
    protected virtual string Label => GetType().IsGenericType ? "Future<T>" : "Future";

    /// <summary>The state in messages, such as <c>pending</c>.</summary>
    protected virtual string StateName => _state switch
    {
        FutureState.Pending => "pending",
        FutureState.Succeeded => "done",
        FutureState.Failed => "failed",
        _ => "cancelled",
    };

    /// <summary>Checks, for an await, that the future can be awaited here. True when there is nothing to wait for.</summary>
    internal bool PollForAwait()
    {
        var loop = Loop;
        if (!ReferenceEquals(loop, EventLoop.CurrentOrNull))
        {
            ThrowForeignAwait();
        }

        if (IsDone)
        {
            // A future that is done costs no trip, unless this step has had very many such.
            if (loop.TryConsumeBudget())
            {
                return true;
            }

            // A trip that is forced is a suspension too, or a task that awaits only what is done could never be cancelled. The future keeps
            // its value.
            if (loop.CurrentTask is { } task && task.TryTakePendingCancel(loop.CurrentScope, out var cancelled))
            {
                throw cancelled;
            }

            return false;
        }

        if (ReferenceEquals(loop.CurrentTask, this))
        {
            throw new InvalidOperationException($"{this} cannot await itself.");
        }

        return false;
    }

    /// <summary>The result for an awaiter, which has checked the thread before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void EndAwait()
    {
        if (_state != FutureState.Succeeded)
        {
            ThrowNoResult();
        }
    }

    /// <summary>Registers an item that enters the ready queue when the future is done.</summary>
    internal void AddWaiter(LoopItem item)
    {
        if (IsDone)
        {
            Loop.Ready(item);
            return;
        }

        switch (_callbacks)
        {
            case null:
                _callbacks = item;
                break;
            case List<LoopItem> list:
                list.Add(item);
                break;
            default:
                _callbacks = new List<LoopItem>(4) { (LoopItem)_callbacks, item };
                break;
        }
    }

    private protected void MarkSucceeded()
    {
        _state = FutureState.Succeeded;
        ScheduleCallbacks();
    }

    private protected void MarkFailed(ExceptionDispatchInfo failure)
    {
        _state = FutureState.Failed;
        _outcome = Loop.TrackFailure(failure, this);
        ScheduleCallbacks();
    }

    private protected void MarkCancelled(object? messageOrException)
    {
        _state = FutureState.Cancelled;
        _outcome = messageOrException;
        ScheduleCallbacks();
    }

    internal override void Run(EventLoop loop) => throw new InvalidOperationException("A future does not stand in the ready queue.");

    /// <summary>Marks a failure as seen without throwing it, for those who pass it on.</summary>
    internal ExceptionDispatchInfo RetrieveFailure()
    {
        if (_outcome is UnretrievedFailure unretrieved)
        {
            _outcome = unretrieved.Retrieve();
        }

        return (ExceptionDispatchInfo)_outcome!;
    }

    /// <summary>
    /// Removes callbacks with a state. The <c>Equals</c> of that is anybody's code, and may add and remove callbacks or complete the
    /// future: nothing is removed before all have been compared, from the last to the first, so that none is left out and none that is
    /// added meanwhile is compared.
    /// </summary>
    private int RemoveFrom(List<LoopItem> list, Action<Future, object?> callback, object? state)
    {
        LoopItem? found = null;
        HashSet<LoopItem>? several = null;
        for (var i = list.Count - 1; i >= 0; i = Math.Min(i, list.Count) - 1)
        {
            if (list[i] is FutureStateCallback other && other.Is(callback, state))
            {
                if (found is not null)
                {
                    several ??= [found];
                    several.Add(other);
                }

                found = other;
            }
        }

        if (several is null)
        {
            return found is not null && TryRemove(found) ? 1 : 0;
        }

        return ReferenceEquals(_callbacks, list) ? list.RemoveAll(several.Contains) : 0;
    }

    /// <summary>Removes a callback if it is still there.</summary>
    private bool TryRemove(LoopItem item)
    {
        if (ReferenceEquals(_callbacks, item))
        {
            _callbacks = null;
            return true;
        }

        return _callbacks is List<LoopItem> list && list.Remove(item);
    }

    private void ScheduleCallbacks()
    {
        var callbacks = _callbacks;
        if (callbacks is null)
        {
            return;
        }

        _callbacks = null;
        if (callbacks is List<LoopItem> list)
        {
            foreach (var item in list)
            {
                Loop.Ready(item);
            }
        }
        else
        {
            Loop.Ready(Unsafe.As<LoopItem>(callbacks));
        }
    }

    [DoesNotReturn]
    private void ThrowForeignAwait() => throw new InvalidOperationException(
        !Loop.IsOnLoopThread
            ? $"{this} belongs to another event loop than the code that awaits it. Await it on its own loop: pass a coroutine that does to " +
              "EventLoop.RunCoroutineThreadSafe."
            : EventLoop.CurrentOrNull is null
                ? $"{this} was awaited while its event loop is not running."
                : $"{this} belongs to another event loop than the code that awaits it, and to one that is not running.");

    [DoesNotReturn]
    private void ThrowDone() => throw new InvalidStateException($"{this} is done already.");

    private void ThrowNoResult()
    {
        Loop.CheckThread();
        switch (_state)
        {
            case FutureState.Pending:
                throw new InvalidStateException($"{this} has no result yet.");
            case FutureState.Failed:
                RetrieveFailure().Throw();
                break;
            default:
                ThrowCancelled();
                break;
        }
    }

    [DoesNotReturn]
    private void ThrowCancelled()
    {
        // The first to look gets the exception that ended the task, with its stack; later ones a fresh one with the same message.
        if (_outcome is ExceptionDispatchInfo original)
        {
            _outcome = original.SourceException.Message;
            if (original.SourceException is not CancelledException)
            {
                // Another library's, with which it obeyed a token. Whoever waits for the task has one type to catch.
                throw new CancelledException(original.SourceException.Message, original.SourceException);
            }

            original.Throw();
        }

        throw new CancelledException((string?)_outcome);
    }
}

/// <summary>A future with a result. See <see cref="Future"/>.</summary>
/// <typeparam name="TResult">The type of the result.</typeparam>
public partial class Future<TResult> : Future
{
    private TResult _result = default!;

    /// <inheritdoc/>
    protected internal Future(EventLoop loop)
        : base(loop)
    {
    }

    /// <summary>The result. Corresponds to <c>Future.result</c>.</summary>
    /// <exception cref="InvalidStateException">The future is not done.</exception>
    /// <exception cref="CancelledException">The future was cancelled.</exception>
    public new TResult GetResult()
    {
        base.GetResult();
        return _result;
    }

    private protected override string ResultText => Text(_result);

    internal new TResult EndAwait()
    {
        base.EndAwait();
        return _result;
    }

    /// <summary>Completes the future with a result. Corresponds to <c>Future.set_result</c>.</summary>
    /// <exception cref="InvalidStateException">The future is done.</exception>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public void SetResult(TResult result)
    {
        if (!TrySetResult(result))
        {
            throw new InvalidStateException($"{this} is done already.");
        }
    }

    /// <summary>Completes the future with a result unless it is done.</summary>
    /// <returns>Whether this call completed it.</returns>
    public bool TrySetResult(TResult result)
    {
        Loop.CheckThread();
        if (IsDone)
        {
            return false;
        }

        _result = result;
        MarkSucceeded();
        return true;
    }

    /// <summary>Not for a future with a result.</summary>
    /// <exception cref="InvalidOperationException">Always: the result is missing.</exception>
    public override bool TrySetResult() => throw new InvalidOperationException("This future needs a result: call SetResult(result).");

    /// <summary>For <c>await</c>.</summary>
    public new FutureAwaiter<TResult> GetAwaiter() => new(this);
}

namespace Baton;

public partial class LoopTask
{
    // Requests of the task's own that wait for a suspension at which it can be told; one exception tells of all. Short, because there may
    // be a million tasks.
    private ushort _pendingRequests;
    private CancelFlags _cancelFlags;
    private int _cancelRequests;

    /// <summary>One byte, for the same reason.</summary>
    [Flags]
    private enum CancelFlags : byte
    {
        None = 0,

        /// <summary>The task stands in the list of those that are being cancelled.</summary>
        Cancelling = 1,

        /// <summary>What the task waited for had come before each of the requests that wait.</summary>
        Served = 2,

        /// <summary>A request to this task was passed on to one that it awaits.</summary>
        HandedOn = 4,

        /// <summary>So was the cancellation of a scope.</summary>
        HandedOnScope = 8,

        /// <summary>The task has ended without being told of a request.</summary>
        Untold = 16,
    }

    /// <summary>
    /// Calls of <see cref="Cancel"/> less calls of <see cref="Uncancel"/>, and time-outs and task groups around the code that have
    /// cancelled it. Corresponds to <c>Task.cancelling</c>.
    /// </summary>
    public int CancelRequests => _cancelRequests;

    /// <summary>
    /// A token that is cancelled when code of the task, at this place, is cancelled: for APIs that take one. The running task's token heeds
    /// the cancel scopes and time-outs around the code that asks; another task's only that task. Made at first use; after
    /// <see cref="Uncancel"/> has taken back every request there is a fresh one.
    /// </summary>
    public CancellationToken CancellationToken
    {
        get
        {
            Loop.CheckThread();
            if (ReferenceEquals(Loop.CurrentTask, this) && Loop.CurrentScope is { } scope && ReferenceEquals(scope.Task, this))
            {
                return scope.CancellationToken;
            }

            var source = Rare.TokenSource;
            if (source is null)
            {
                Rare.TokenSource = source = new CancellationTokenSource();
                if (_cancelRequests > 0 || IsCancelled || RootScope?.FindDue(this) is not null)
                {
                    source.Cancel();
                }
            }

            return source.Token;
        }
    }

    private string? CancelMessage => _details?.CancelMessage;

    private bool IsCancelling
    {
        get => (_cancelFlags & CancelFlags.Cancelling) != 0;
        set => SetFlag(CancelFlags.Cancelling, value);
    }

    private bool IsServed
    {
        get => (_cancelFlags & CancelFlags.Served) != 0;
        set => SetFlag(CancelFlags.Served, value);
    }

    /// <summary>
    /// Asks the task to end: whatever of Baton's it is suspended in is cancelled, so that a <see cref="CancelledException"/> is thrown
    /// there; where there is nothing to cancel, at its next suspension. Corresponds to <c>Task.cancel</c>.
    /// </summary>
    /// <remarks>
    /// One request throws at most once; several that come before the first has thrown, too. A value that was there before the cancel is
    /// delivered first, and the task ends with its result where no suspension comes after that. A task that has not started never runs. A
    /// task that catches the exception goes on, and may be cancelled again. Code in a shielded <see cref="CancelScope"/> is told after it
    /// has left the shield.
    /// </remarks>
    /// <param name="message">The message of the exception.</param>
    /// <returns>False when the task is done already.</returns>
    public override bool Cancel(string? message = null)
    {
        Loop.CheckThread();
        if (IsDone)
        {
            return false;
        }

        if (IsCancelling)
        {
            // From a callback on the token, which the request before is calling.
            CancelNow(message);
            return true;
        }

        var cancelling = Loop.CancellingTasks;
        var start = cancelling.Count;
        CancelAsAwaited(message);
        CancelAwaited(cancelling, start, message);
        return true;
    }

    /// <summary>
    /// Takes back one request to cancel, for code that has dealt with it. Taking back the last one also drops a cancellation that was not
    /// delivered yet. Corresponds to <c>Task.uncancel</c>.
    /// </summary>
    /// <returns>The requests that are left.</returns>
    public int Uncancel()
    {
        Loop.CheckThread();
        if (_cancelRequests > 0)
        {
            _pendingRequests = (ushort)Math.Min(_pendingRequests, --_cancelRequests);
            if (_cancelRequests == 0)
            {
                RenewTokens();
            }
        }

        return _cancelRequests;
    }

    /// <summary>
    /// Cancels the task on behalf of one that awaits it: not at once but from a stack, so that neither a long chain of tasks nor a ring of
    /// them becomes a recursion.
    /// </summary>
    protected internal override bool CancelAsAwaited(string? message)
    {
        if (IsDone)
        {
            return false;
        }

        if (!IsCancelling)
        {
            IsCancelling = true;
            Loop.CancellingTasks.Add(this);
        }

        return true;
    }

    /// <summary>
    /// Cancels the tasks in the list from an index on, each followed by those that this adds: what a task waits for comes before its
    /// neighbour.
    /// </summary>
    internal static void CancelAwaited(List<LoopTask> tasks, int start, string? message)
    {
        if (tasks.Count == start)
        {
            return;
        }

        // The end of the list is the top of a stack.
        tasks.Reverse(start, tasks.Count - start);
        var reached = tasks[start].Loop.ReachedTasks;
        var firstReached = reached.Count;
        try
        {
            while (tasks.Count > start)
            {
                var task = tasks[^1];
                tasks.RemoveAt(tasks.Count - 1);
                reached.Add(task);
                var count = tasks.Count;
                task.CancelNow(message);
                tasks.Reverse(count, tasks.Count - count);
            }
        }
        finally
        {
            Forget(tasks, start);
            Forget(reached, firstReached);
        }

        static void Forget(List<LoopTask> list, int start)
        {
            for (var i = start; i < list.Count; i++)
            {
                list[i].IsCancelling = false;
            }

            list.RemoveRange(start, list.Count - start);
        }
    }

    /// <summary>Counts a cancellation of a scope that is thrown once, like a request to the task.</summary>
    internal void AddCancelledScope()
    {
        _cancelRequests++;
        Rare.CancelledScopes++;
    }

    /// <summary>A scope that throws once, and was cancelled, is left.</summary>
    internal void RemoveCancelledScope()
    {
        Rare.CancelledScopes--;
        Uncancel();
    }

    /// <summary>Requests that have been thrown are to be thrown again, down to a number of them.</summary>
    internal void RestorePendingRequests(int delivered)
    {
        while (DeliveredRequests > delivered && _pendingRequests < ushort.MaxValue)
        {
            IsServed = false;
            _pendingRequests++;
        }
    }

    /// <summary>
    /// Passes a cancellation on to what this task awaits by a leaf. False where that does not take it and is not cancelled anyhow.
    /// </summary>
    internal bool HandOnCancel(Future awaited, LoopItem leaf, string? message, CancelScope? origin)
    {
        if (!awaited.CancelAsAwaited(message))
        {
            return awaited.EndsCancelled;
        }

        if (leaf.MayEndWithResult)
        {
            SetFlag(origin is null ? CancelFlags.HandedOn : CancelFlags.HandedOnScope, true);
            origin?.AcceptBy(leaf);
        }

        return true;
    }

    /// <summary>What the task has awaited by a leaf has ended.</summary>
    internal void LeaveAwaited(Future awaited, LoopItem leaf, CancelScope? scope)
    {
        RemoveLeaf(leaf);
        if ((_cancelFlags & (CancelFlags.HandedOn | CancelFlags.HandedOnScope)) != 0)
        {
            EndHandedOn(awaited, leaf, scope);
        }
    }

    /// <summary>
    /// What a cancellation was passed on to has ended. Where that was not told of the cancellation that was passed on, since it had nothing
    /// to wait for any more, what it came to is delivered, and the cancellation is owed again.
    /// </summary>
    private void EndHandedOn(Future awaited, LoopItem leaf, CancelScope? scope)
    {
        var isUntold = awaited is LoopTask { IsCancelled: false } task && (task._cancelFlags & CancelFlags.Untold) != 0;
        if (isUntold && (_cancelFlags & CancelFlags.HandedOn) != 0)
        {
            DeferCancel(isServed: true);
        }

        SetFlag(CancelFlags.HandedOn | CancelFlags.HandedOnScope, false);
        scope?.EndAccepted(leaf, isUntold);
    }

    /// <summary>The task ends: it will not be told any more.</summary>
    private void DropPendingRequests()
    {
        if (_pendingRequests > 0)
        {
            _pendingRequests = 0;
            SetFlag(CancelFlags.Untold, true);
        }
    }

    private void SetFlag(CancelFlags flag, bool value) => _cancelFlags = value ? _cancelFlags | flag : _cancelFlags & ~flag;

    private void CancelNow(string? message)
    {
        if (IsDone)
        {
            return;
        }

        _cancelRequests++;
        if (message is not null || _details is not null)
        {
            Rare.CancelMessage = message;
        }

        // The tokens first: foreign code that sees its operation fail asks the token why.
        CancelTokens(null);
        var isServed = (IsServed || _pendingRequests == 0) && IsServedNow();
        if (!IsDone && !CancelLeaves(null, message))
        {
            IsServed = isServed;
            _pendingRequests = (ushort)Math.Min(_pendingRequests + 1, ushort.MaxValue);
        }
    }

    /// <summary>Whether the task is about to go on with what it was waiting for. Not so while it runs.</summary>
    private bool IsServedNow() => _leaves is LoopItem { IsWaitOver: true } && !ReferenceEquals(Loop.CurrentTask, this);

    /// <summary>Cancels the tokens of code that a cancellation reaches: of a scope, or where that is null, of the task.</summary>
    internal void CancelTokens(CancelScope? origin)
    {
        if (_details is null)
        {
            return;
        }

        if (origin is null)
        {
            CancelToken(_details.TokenSource);
        }

        if (_details.ScopesWithToken is { } scopes)
        {
            foreach (var scope in scopes.ToArray())
            {
                if (Reaches(origin, scope))
                {
                    CancelToken(scope.TokenSource);
                }
            }
        }
    }

    private void CancelToken(CancellationTokenSource? source)
    {
        if (source is not { IsCancellationRequested: false })
        {
            return;
        }

        try
        {
            source.Cancel();
        }
        catch (AggregateException exception)
        {
            Loop.ReportException($"A callback on the cancellation token of {Brief} failed", exception, this);
        }
    }

    /// <summary>Has scopes hand out fresh tokens, unless they are cancelled themselves.</summary>
    private void RenewTokens()
    {
        if (_details is null)
        {
            return;
        }

        if (_details.TokenSource is { IsCancellationRequested: true } && RootScope?.FindDue(this) is null)
        {
            _details.TokenSource = null;
        }

        _details.ScopesWithToken?.RemoveAll(static scope => scope.TryDropToken());
    }

    /// <summary>
    /// Whether an exception that ended the task means that it was cancelled: Baton's own always does; another library's only where somebody
    /// asked for it, so that for one a time-out, which <c>HttpClient</c> dresses up as a cancellation, is not lost.
    /// </summary>
    private bool CountsAsCancelled(OperationCanceledException exception) =>
        exception is CancelledException
        || _cancelRequests > 0
        || RootScope?.FindDue(this) is not null
        || (exception.CancellationToken.IsCancellationRequested && exception.InnerException is not TimeoutException);
}

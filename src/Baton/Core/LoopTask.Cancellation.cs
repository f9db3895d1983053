using System.Diagnostics.CodeAnalysis;

namespace Baton;

public partial class LoopTask
{
    // What the task waits for: null, one item, or a list where plain code waits for several things at once.
    private object? _leaves;
    private bool _mustCancel;
    private bool _isCancelling;
    private int _cancelRequests;

    /// <summary>Calls of <see cref="Cancel"/> less calls of <see cref="Uncancel"/>. Corresponds to <c>Task.cancelling</c>.</summary>
    public int CancelRequests => _cancelRequests;

    /// <summary>
    /// A token that is cancelled when the task is, for APIs that take one. Made at first use; after <see cref="Uncancel"/> has taken back every request
    /// there is a fresh one.
    /// </summary>
    public CancellationToken CancellationToken
    {
        get
        {
            Loop.CheckThread();
            var source = Rare.TokenSource;
            if (source is null)
            {
                Rare.TokenSource = source = new CancellationTokenSource();
                if (_cancelRequests > 0 || IsCancelled)
                {
                    source.Cancel();
                }
            }

            return source.Token;
        }
    }

    private string? CancelMessage => _details?.CancelMessage;

    /// <summary>
    /// Asks the task to end: whatever of Baton's it is suspended in is cancelled, so that a <see cref="CancelledException"/> is thrown there; where
    /// there is nothing to cancel, at its next suspension. Corresponds to <c>Task.cancel</c>.
    /// </summary>
    /// <remarks>
    /// One request throws at most once; several that come before the first has thrown, too. A value that was there before the cancel is delivered first. A
    /// task that has not started never runs. A task that catches the exception goes on, and may be cancelled again.
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

        if (_isCancelling)
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
    /// Takes back one request to cancel, for code that has dealt with it. Taking back the last one also drops a cancellation that was not delivered yet.
    /// Corresponds to <c>Task.uncancel</c>.
    /// </summary>
    /// <returns>The requests that are left.</returns>
    public int Uncancel()
    {
        Loop.CheckThread();
        if (_cancelRequests > 0 && --_cancelRequests == 0)
        {
            _mustCancel = false;
            if (_details?.TokenSource is { IsCancellationRequested: true })
            {
                _details.TokenSource = null;
            }
        }

        return _cancelRequests;
    }

    /// <summary>Registers something that the task, or plain code in it, now waits for.</summary>
    internal void AddLeaf(LoopItem leaf)
    {
        if (_leaves is null)
        {
            _leaves = leaf;
        }
        else if (_leaves is List<LoopItem> list)
        {
            list.Add(leaf);
        }
        else
        {
            _leaves = new List<LoopItem>(4) { (LoopItem)_leaves, leaf };
        }

        if (_mustCancel && !IsDone)
        {
            var cancelling = Loop.CancellingTasks;
            var start = cancelling.Count;
            if (leaf.CancelWait(CancelMessage))
            {
                _mustCancel = false;
            }

            CancelAwaited(cancelling, start, CancelMessage);
        }
    }

    internal void RemoveLeaf(LoopItem leaf)
    {
        if (ReferenceEquals(_leaves, leaf))
        {
            _leaves = null;
        }
        else if (_leaves is List<LoopItem> list && list.Remove(leaf) && list.Count == 0)
        {
            _leaves = null;
        }
    }

    /// <summary>Takes a cancellation that has not been delivered, to deliver it now.</summary>
    internal bool TryTakePendingCancel([NotNullWhen(true)] out CancelledException? cancelled)
    {
        cancelled = null;
        if (!_mustCancel)
        {
            return false;
        }

        _mustCancel = false;
        cancelled = new CancelledException(CancelMessage);
        return true;
    }

    /// <summary>
    /// Says that what the task waits for came to its end although a cancellation had been accepted: that still holds, for the next suspension.
    /// </summary>
    internal void DeferCancel() => _mustCancel = _cancelRequests > 0 && !IsDone;

    /// <summary>
    /// Cancels the task on behalf of one that awaits it: not at once but from a list, so that neither a long chain of tasks nor a ring of them becomes a
    /// recursion.
    /// </summary>
    protected internal override bool CancelAsAwaited(string? message)
    {
        if (IsDone)
        {
            return false;
        }

        if (!_isCancelling)
        {
            _isCancelling = true;
            Loop.CancellingTasks.Add(this);
        }

        return true;
    }

    /// <summary>Cancels the tasks in the list from an index on, and those that this adds.</summary>
    private static void CancelAwaited(List<LoopTask> tasks, int start, string? message)
    {
        if (tasks.Count == start)
        {
            return;
        }

        try
        {
            for (var i = start; i < tasks.Count; i++)
            {
                tasks[i].CancelNow(message);
            }
        }
        finally
        {
            for (var i = start; i < tasks.Count; i++)
            {
                tasks[i]._isCancelling = false;
            }

            tasks.RemoveRange(start, tasks.Count - start);
        }
    }

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

        // The token first: foreign code that sees its operation fail asks the token why.
        CancelToken();
        if (!IsDone && !CancelLeaves(message))
        {
            _mustCancel = true;
        }
    }

    private bool CancelLeaves(string? message)
    {
        if (_leaves is not List<LoopItem> list)
        {
            return _leaves is LoopItem leaf && leaf.CancelWait(message);
        }

        var accepted = false;
        foreach (var leaf in list.ToArray())
        {
            accepted |= leaf.CancelWait(message);
        }

        return accepted;
    }

    private void CancelToken()
    {
        if (_details?.TokenSource is not { IsCancellationRequested: false } source)
        {
            return;
        }

        try
        {
            source.Cancel();
        }
        catch (AggregateException exception)
        {
            Loop.ReportException($"A callback on the cancellation token of {this} failed", exception, this);
        }
    }

    /// <summary>
    /// Whether an exception that ended the task means that it was cancelled: Baton's own always does; another library's only where somebody asked for it,
    /// so that for one a time-out, which <c>HttpClient</c> dresses up as a cancellation, is not lost.
    /// </summary>
    private bool CountsAsCancelled(OperationCanceledException exception) =>
        exception is CancelledException
        || _cancelRequests > 0
        || (exception.CancellationToken.IsCancellationRequested && exception.InnerException is not TimeoutException);
}

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Baton;

// How a cancellation reaches the code of a task. It comes from the task itself or from a scope, its origin. Where the task is suspended in
// something that can be cancelled, and no shield lies between that and the origin, the exception is thrown there. Else it is due, and the
// next suspension that it reaches asks.
public partial class LoopTask
{
    /// <summary>
    /// Deliveries in a row of a cancelled scope after which the task is said to swallow them, and gets the next ones after a pause only.
    /// </summary>
    private const int PatientDeliveries = 100;

    private static readonly TimeSpan DeliveryPause = TimeSpan.FromMilliseconds(10);

    // What the task waits for: null, one item, or a list where plain code waits for several things at once.
    private object? _leaves;

    /// <summary>The cancel scope in which the task runs before it enters one of its own.</summary>
    internal CancelScope? RootScope => _details?.RootScope;

    /// <summary>Whether anything of Baton's is waited for.</summary>
    internal bool IsWaiting => _leaves is not null;

    internal bool HasPendingRequest => _pendingRequests > 0;

    /// <summary>Requests to the task itself less those that are still to be thrown.</summary>
    internal int DeliveredRequests => _cancelRequests - _pendingRequests - (_details?.CancelledScopes ?? 0);

    /// <summary>In how many iterations the task has been told of a scope's cancellation and has gone on.</summary>
    internal int Deliveries => _details?.Deliveries ?? 0;

    /// <summary>
    /// Registers something that the task, or plain code in it, now waits for, and cancels it at once where a cancellation is due.
    /// </summary>
    internal void AddLeaf(LoopItem leaf, CancelScope? scope)
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

        if (_pendingRequests > 0 || scope is not null)
        {
            DeliverTo(leaf, scope);
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

    /// <summary>Takes a cancellation that is due in a scope, to throw it now.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryTakePendingCancel(CancelScope? scope, [NotNullWhen(true)] out CancelledException? cancelled)
    {
        if (_pendingRequests == 0 && scope is null)
        {
            cancelled = null;
            return false;
        }

        return TryTakeDueCancel(scope, out cancelled);
    }

    private bool TryTakeDueCancel(CancelScope? scope, [NotNullWhen(true)] out CancelledException? cancelled)
    {
        cancelled = null;
        var requested = _pendingRequests > 0 && Reaches(null, scope);
        var due = scope?.FindDue(this);
        if (!requested && due is null)
        {
            return false;
        }

        cancelled = new CancelledException(requested ? CancelMessage : due!.Reason);
        Delivered(requested, due, scope, null);
        return true;
    }

    /// <summary>
    /// Says that what the task waits for came to its end although a cancellation had been accepted: that still holds, for the next
    /// suspension.
    /// </summary>
    /// <param name="isServed">Whether the task then ends with its own result, should there be none.</param>
    internal void DeferCancel(bool isServed)
    {
        if (_cancelRequests > 0 && _pendingRequests == 0 && !IsDone)
        {
            IsServed = isServed;
            _pendingRequests = 1;
        }
    }

    /// <summary>Cancels what the task waits for wherever a cancellation reaches it. False where nothing could be cancelled.</summary>
    /// <param name="origin">The scope that was cancelled; null for a request to the task.</param>
    /// <param name="message">The message of the exception.</param>
    internal bool CancelLeaves(CancelScope? origin, string? message)
    {
        if (_leaves is not List<LoopItem> list)
        {
            return _leaves is LoopItem leaf && Reaches(origin, leaf.WaitScope) && leaf.CancelWait(message, origin);
        }

        var accepted = false;
        foreach (var leaf in list.ToArray())
        {
            accepted |= Reaches(origin, leaf.WaitScope) && leaf.CancelWait(message, origin);
        }

        return accepted;
    }

    /// <summary>Cancels what the task waits for within a level-triggered scope that was cancelled.</summary>
    internal void DeliverScope(CancelScope origin)
    {
        // The tokens first: foreign code that sees its operation fail asks the token why.
        if (origin.Reaches(RootScope))
        {
            CancelToken(_details!.TokenSource);
        }

        foreach (var scope in _details?.ScopesWithToken?.ToArray() ?? [])
        {
            if (origin.Reaches(scope))
            {
                CancelToken(scope.TokenSource);
            }
        }

        foreach (var leaf in LeavesNow())
        {
            if (origin.Reaches(leaf.WaitScope))
            {
                DeliverTo(leaf, leaf.WaitScope);
            }
        }
    }

    /// <summary>Adds the tasks of groups that this task has opened within a scope.</summary>
    internal void AddTasksInScope(CancelScope origin, List<LoopTask> tasks)
    {
        foreach (var scope in _details?.ScopesWithTasks ?? [])
        {
            if (origin.Reaches(scope))
            {
                scope.AddTasksTo(tasks);
            }
        }
    }

    /// <summary>Delivers a request that a shield has held back, where the shield has gone.</summary>
    internal void DeliverPendingRequest()
    {
        if (_pendingRequests > 0 && !IsDone)
        {
            CancelTokens(null);
            var cancelling = Loop.CancellingTasks;
            var start = cancelling.Count;
            if (CancelLeaves(null, CancelMessage))
            {
                _pendingRequests = 0;
            }

            CancelAwaited(cancelling, start, CancelMessage);
        }
    }

    /// <summary>Puts the task in a scope besides those that it enters itself.</summary>
    internal void JoinScope(CancelScope? scope)
    {
        Rare.RootScope = scope;
        scope?.Add(this);
    }

    internal LoopTask? NextInScope
    {
        get => Rare.NextInScope;
        set => Rare.NextInScope = value;
    }

    internal LoopTask? PreviousInScope
    {
        get => Rare.PreviousInScope;
        set => Rare.PreviousInScope = value;
    }

    internal List<CancelScope> ScopesWithToken => Rare.ScopesWithToken ??= [];

    internal List<CancelScope> ScopesWithTasks => Rare.ScopesWithTasks ??= [];

    /// <summary>The task has left a cancelled scope: it did not swallow that for ever.</summary>
    internal void ForgetDeliveries(int count)
    {
        var details = Rare;
        details.Deliveries = count;
        details.LastDelivery = 0;
        if (!IsWaiting)
        {
            details.NextDelivery.Cancel();
        }
    }

    /// <summary>Counts scopes whose cancellation is still to be thrown, once.</summary>
    internal void CountUndelivered(int change) => Rare.UndeliveredScopes += change;

    /// <summary>How many scopes that throw once have thrown: to tell what was before and what after.</summary>
    internal int ThrownScopes => _details?.ThrownScopes ?? 0;

    internal int CountThrownScope() => ++Rare.ThrownScopes;

    /// <summary>
    /// Whether code in <paramref name="scope"/> is within the origin of a cancellation of this task, a scope that it has entered or, where
    /// that is null, the task itself, and no shield lies in between.
    /// </summary>
    internal bool Reaches(CancelScope? origin, CancelScope? scope)
    {
        for (; !ReferenceEquals(scope, origin); scope = scope.Parent)
        {
            if (scope is null || !ReferenceEquals(scope.Task, this))
            {
                // Beyond the scopes that the task has entered itself: those around its group's do not keep requests from it.
                return origin is null;
            }

            if (scope is { Shield: true, IsEntered: true })
            {
                return false;
            }
        }

        return true;
    }

    private void DeliverTo(LoopItem leaf, CancelScope? scope, bool hasPaused = false)
    {
        var requested = _pendingRequests > 0 && Reaches(null, scope);
        var due = scope?.FindDue(this);
        if (!requested && (due is null || (!hasPaused && MustPause(due))))
        {
            return;
        }

        var cancelling = Loop.CancellingTasks;
        var start = cancelling.Count;
        var message = requested ? CancelMessage : due!.Reason;
        if (leaf.CancelWait(message, requested ? null : due))
        {
            Delivered(requested, due, scope, leaf.MayEndWithResult ? leaf : null);
        }

        CancelAwaited(cancelling, start, message);
    }

    private void Delivered(bool requested, CancelScope? due, CancelScope? scope, LoopItem? leaf)
    {
        if (requested)
        {
            _pendingRequests = 0;
        }

        if (_details is { UndeliveredScopes: > 0 })
        {
            scope?.SettleUndelivered(this, leaf);
        }

        if (due is { IsLevelTriggered: true })
        {
            due.CountDelivery();
            CountDelivery(due);
        }
    }

    private void CountDelivery(CancelScope due)
    {
        var details = Rare;
        if (details.LastDelivery == Loop.Iteration)
        {
            return; // To several branches of the task at once.
        }

        details.LastDelivery = Loop.Iteration;
        details.Deliveries++;
        if (due.DeliveriesTo(this) == PatientDeliveries)
        {
            Loop.ReportException(
                $"{Brief} has been told {PatientDeliveries} times that it is cancelled ({due.Reason}) and goes on: some code catches CancelledException and " +
                "does not let it through. From now on it is told at intervals only",
                null,
                this,
                due);
        }
    }

    /// <summary>
    /// Whether a task that swallows the cancellation of a scope again and again has to wait for the next time, so as not to keep the
    /// processor busy.
    /// </summary>
    private bool MustPause(CancelScope due)
    {
        if (!due.IsLevelTriggered || due.DeliveriesTo(this) < PatientDeliveries)
        {
            return false;
        }

        var details = Rare;
        if (!details.NextDelivery.IsPending)
        {
            details.NextDelivery = Loop.CallLater(DeliveryPause, static task => ((LoopTask)task!).DeliverAfterPause(), this);
        }

        return true;
    }

    private void DeliverAfterPause()
    {
        foreach (var leaf in LeavesNow())
        {
            DeliverTo(leaf, leaf.WaitScope, hasPaused: true);
        }
    }

    /// <summary>What is waited for, to go through while cancelling changes it.</summary>
    private LoopItem[] LeavesNow() => _leaves switch
    {
        List<LoopItem> list => [.. list],
        LoopItem leaf => [leaf],
        _ => [],
    };

    private void LeaveScopes()
    {
        _details!.NextDelivery.Cancel();
        RootScope?.Remove(this);
    }
}

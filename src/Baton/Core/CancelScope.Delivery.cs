using System.Runtime.CompilerServices;

namespace Baton;

// How a cancelled scope reaches code. Scopes know those around them and not those within: code that suspends looks outwards for what is
// due; a scope that is cancelled looks at what its task waits for, and then at the tasks of groups that were opened within.
public sealed partial class CancelScope
{
    private bool _isUndelivered;

    /// <summary>
    /// Where code is that was suspended in a scope: there, or where that has been left meanwhile, which only code sees that nobody waits
    /// for, in the one around it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static CancelScope? Holding(CancelScope? scope) => scope is null || scope.IsEntered ? scope : scope.NearestEntered();

    /// <summary>The scope around this one: in the task that has entered it, or the one in which that task's group was opened.</summary>
    internal CancelScope? Parent { get; private set; }

    /// <summary>
    /// The cancelled scope, this one or one around it, whose cancellation code in this scope has to be told when it suspends. Of several,
    /// one that is level-triggered.
    /// </summary>
    /// <param name="task">The task to be told: a scope that throws once has its own task to tell.</param>
    internal CancelScope? FindDue(LoopTask task)
    {
        CancelScope? due = null;
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope.CancelCalled && scope.IsEntered)
            {
                if (scope.IsLevelTriggered)
                {
                    return scope;
                }

                if (scope._isUndelivered && ReferenceEquals(scope.Task, task))
                {
                    due ??= scope;
                }
            }

            if (scope.IsShielding)
            {
                break;
            }
        }

        return due;
    }

    /// <summary>Whether code in <paramref name="inner"/> is in this scope, and no shield lies in between.</summary>
    internal bool Reaches(CancelScope? inner)
    {
        for (; inner is not null; inner = inner.Parent)
        {
            if (ReferenceEquals(inner, this))
            {
                return true;
            }

            if (inner.IsShielding)
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>
    /// In how many iterations a task has been told of cancellations since it entered this scope, or since it began in it.
    /// </summary>
    internal int DeliveriesTo(LoopTask task) => task.Deliveries - (ReferenceEquals(task, Task) ? _deliveriesAtEntry : 0);

    /// <summary>The cancellation has been thrown, here or in a scope within.</summary>
    internal void CountDelivery() => Rare.DeliveryCount++;

    /// <summary>
    /// An exception that is thrown in this scope stands for everything that was still to be thrown here, once, by this scope and those
    /// around it.
    /// </summary>
    /// <param name="task">The task in which it is thrown.</param>
    /// <param name="leaf">What has accepted the cancellation and has not ended, where that may still come to a result.</param>
    internal void SettleUndelivered(LoopTask task, LoopItem? leaf)
    {
        for (var scope = this; scope is not null && ReferenceEquals(scope.Task, task); scope = scope.Parent)
        {
            if (scope._isUndelivered)
            {
                scope.SetUndelivered(false);
                scope.CountThrown();
                scope.Rare.AcceptedBy = leaf;
            }

            if (scope.IsShielding)
            {
                break;
            }
        }
    }

    /// <summary>Something has accepted the cancellation of this scope and has not ended: it may still come to a result.</summary>
    internal void AcceptBy(LoopItem leaf) => Rare.AcceptedBy = leaf;

    /// <summary>
    /// For those who build constructs of their own: whether code that was in this scope, which has been left, may have obeyed a
    /// cancellation from outside of it, so that another library's <see cref="OperationCanceledException"/> means that.
    /// </summary>
    public bool MayHaveObeyed() =>
        IsCancelledFromOutside()
            || (!Shield && (Parent?.FindDue(Task) is not null || (Task.HasPendingRequest && Task.Reaches(null, Parent))));

    /// <summary>
    /// For those who build constructs of their own: something else is thrown in the place of a cancellation that came out of this scope,
    /// which has been left, and came from outside of it. It is still to be thrown, at the next suspension.
    /// </summary>
    public void RestoreUndelivered()
    {
        for (var scope = this; !scope.Shield; scope = scope.Parent)
        {
            if (scope.Parent is null || !ReferenceEquals(scope.Parent.Task, Task))
            {
                Task.RestorePendingRequests(_deliveredAtEntry);
                break;
            }

            if (scope.Parent._thrownAt > _thrownAtEntry)
            {
                scope.Parent.SetUndelivered(true);
            }
        }
    }

    /// <summary>
    /// What had accepted cancellations of this scope or of those around it has ended. If with a result, those that throw once are still to
    /// be thrown.
    /// </summary>
    internal void EndAccepted(LoopItem leaf, bool hasResult)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (scope._details is { } details && ReferenceEquals(details.AcceptedBy, leaf))
            {
                details.AcceptedBy = null;
                if (hasResult && !scope.IsLevelTriggered && scope.IsEntered)
                {
                    scope.SetUndelivered(true);
                }
            }
        }
    }

    internal void CheckCanHold(EventLoop loop)
    {
        CheckEntered();
        if (!ReferenceEquals(loop, _loop))
        {
            throw new InvalidOperationException($"{this} belongs to another event loop.");
        }
    }

    /// <summary>
    /// The nearest scope, this one or one around it, that matters to other tasks: one that throws once has its own task to tell, unless it
    /// is a shield.
    /// </summary>
    internal CancelScope? NearestForTasks()
    {
        var scope = this;
        while (scope is { IsLevelTriggered: false, Shield: false })
        {
            scope = scope.Parent;
        }

        return scope;
    }

    /// <summary>A task of a group that was opened in this scope begins.</summary>
    internal void Add(LoopTask task)
    {
        var first = Rare.FirstTask;
        task.NextInScope = first;
        if (first is null)
        {
            Task.ScopesWithTasks.Add(this);
        }
        else
        {
            first.PreviousInScope = task;
        }

        Rare.FirstTask = task;
    }

    internal void Remove(LoopTask task)
    {
        var (next, previous) = (task.NextInScope, task.PreviousInScope);
        if (next is not null)
        {
            next.PreviousInScope = previous;
        }

        if (previous is not null)
        {
            previous.NextInScope = next;
        }
        else
        {
            Rare.FirstTask = next;
            if (next is null)
            {
                Task.ScopesWithTasks.Remove(this);
            }
        }

        task.NextInScope = null;
        task.PreviousInScope = null;
    }

    /// <summary>Adds the tasks that run in this scope to a list.</summary>
    internal void AddTasksTo(List<LoopTask> tasks)
    {
        for (var task = _details?.FirstTask; task is not null; task = task.NextInScope)
        {
            tasks.Add(task);
        }
    }

    private bool IsShielding => Shield && IsEntered;

    private CancelScope? NearestEntered()
    {
        var scope = this;
        while (scope is { IsEntered: false })
        {
            scope = scope.Parent;
        }

        return scope;
    }

    /// <summary>
    /// Code may go on in this scope that whoever leaves it has not waited for, and so may tasks. They are in the scope around this one now.
    /// </summary>
    private void LeaveBehind()
    {
        if (TokenSource is not null)
        {
            Task.ScopesWithToken.Remove(this);
        }

        if (_details?.FirstTask is null && !Task.IsWaiting)
        {
            return;
        }

        var tasks = new List<LoopTask>();
        AddTasksTo(tasks);
        foreach (var task in tasks)
        {
            Remove(task);
            task.JoinScope(Parent?.NearestForTasks());
        }

        if (Parent?.FindDue(Task) is { IsLevelTriggered: true } && Shield)
        {
            // What this scope has kept from them. A cancellation that is thrown once is left to the code that waits for it.
            DeliverTo([Task, .. tasks]);
        }
    }

    /// <summary>Has the cancellation take effect, on whatever is in this scope.</summary>
    private void Spread()
    {
        if (!IsLevelTriggered)
        {
            SpreadOnce();
            return;
        }

        DeliverWithin();
    }

    /// <summary>Tells all that wait in this scope what is due there.</summary>
    private void DeliverWithin()
    {
        // Each task stands in the list once, since it runs in one scope before it enters its own.
        DeliverTo([Task]);
    }

    private void DeliverTo(List<LoopTask> tasks)
    {
        for (var i = 0; i < tasks.Count; i++)
        {
            var task = tasks[i];
            task.DeliverScope(this);
            task.AddTasksInScope(this, tasks);
        }
    }

    private void SpreadOnce()
    {
        Task.AddCancelledScope();
        Task.CancelTokens(this);
        var cancelling = _loop.CancellingTasks;
        var start = cancelling.Count;
        if (Task.CancelLeaves(this, Reason))
        {
            CountThrown();
        }
        else
        {
            SetUndelivered(true);
        }

        LoopTask.CancelAwaited(cancelling, start, Reason);
    }

    /// <summary>A cancellation that is thrown once has been.</summary>
    private void CountThrown()
    {
        CountDelivery();
        _thrownAt = Task.CountThrownScope();
    }

    private void SetUndelivered(bool value)
    {
        if (_isUndelivered != value)
        {
            _isUndelivered = value;
            _thrownAt = value ? 0 : _thrownAt;
            Task.CountUndelivered(value ? 1 : -1);
        }
    }

    /// <summary>The shield is dropped: delivers what it has held back.</summary>
    private void DeliverFromOutside()
    {
        Task.DeliverPendingRequest();
        switch (FindDue(Task))
        {
            case { IsLevelTriggered: true }:
                DeliverWithin();
                break;
            case not null:
                Task.DeliverScope(this);
                break;
            default:
                break;
        }
    }
}

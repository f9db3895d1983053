namespace Baton;

// How a cancelled scope reaches code. Scopes know those around them and not those within: code that suspends looks outwards for what is due; a scope that is
// cancelled looks at what its task waits for, and then at the tasks of groups that were opened within.
public sealed partial class CancelScope
{
    private bool _isUndelivered;

    /// <summary>The scope around this one: in the task that has entered it, or the one in which that task's group was opened.</summary>
    internal CancelScope? Parent { get; private set; }

    /// <summary>
    /// The cancelled scope, this one or one around it, whose cancellation code in this scope has to be told when it suspends. Of several, one that is
    /// level-triggered.
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

            if (scope.Shield)
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

            if (inner.Shield)
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>The cancellation has been thrown, here or in a scope within.</summary>
    internal void CountDelivery()
    {
        Rare.DeliveryCount++;
        _isUndelivered = false;
    }

    /// <summary>What was to be cancelled came to a result instead: a cancellation that is thrown once is still to be thrown.</summary>
    internal void DeferDelivery() => _isUndelivered = true;

    internal void CheckCanHold(EventLoop loop)
    {
        CheckEntered();
        if (!ReferenceEquals(loop, _loop))
        {
            throw new InvalidOperationException($"{this} belongs to another event loop.");
        }
    }

    /// <summary>The nearest scope, this one or one around it, that can reach other tasks: one that throws once has its own task to tell.</summary>
    internal CancelScope? NearestLevelTriggered()
    {
        var scope = this;
        while (scope is { IsLevelTriggered: false })
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

    private void LeaveDetails()
    {
        if (TokenSource is not null)
        {
            Task.ScopesWithToken.Remove(this);
        }

        // Tasks that somebody made in this scope, and does not wait for.
        while (_details!.FirstTask is { } task)
        {
            Remove(task);
            task.JoinScope(Parent?.NearestLevelTriggered());
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
        var tasks = new List<LoopTask> { Task };
        for (var i = 0; i < tasks.Count; i++)
        {
            var task = tasks[i];
            task.DeliverScope(this);
            task.AddTasksInScope(this, tasks);
        }
    }

    private void SpreadOnce()
    {
        Task.AddRequest();
        Task.CancelTokens(this);
        var cancelling = _loop.CancellingTasks;
        var start = cancelling.Count;
        if (Task.CancelLeaves(this, Reason))
        {
            CountDelivery();
        }
        else
        {
            _isUndelivered = true;
        }

        LoopTask.CancelAwaited(cancelling, start, Reason);
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

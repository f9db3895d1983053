using System.Runtime.CompilerServices;

namespace Baton;

// Scopes form a tree across the tasks of a loop: a scope's parent is the one around it, in its task, or the one in which its task's group was opened.
//
// Invariant. Due is the cancelled scope, this one or one around it, whose cancellation the code in this scope has to be told at its next suspension: it
// changes only where a scope is cancelled, entered or left, or a shield raised or dropped, so that a suspension has one field to look at. Of several, one that
// is level-triggered counts. One that throws once is due for its own task only, and one exception tells of all that is due.
public sealed partial class CancelScope
{
    private CancelScope? _firstChild;
    private CancelScope? _nextSibling;
    private CancelScope? _previousSibling;
    private LoopTask? _firstTask;
    private bool _isUndelivered;

    /// <summary>The scope around this one.</summary>
    internal CancelScope? Parent { get; private set; }

    internal CancelScope? Due { get; private set; }

    /// <summary>
    /// What code is in that was suspended in a scope: that one, or where it has been left meanwhile, which only code that nobody waits for can see, the one around it.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static CancelScope? Holding(CancelScope? scope) => scope is null || scope.IsEntered ? scope : scope.NearestEntered();

    internal void CheckCanHold(EventLoop loop)
    {
        CheckEntered();
        if (!ReferenceEquals(loop, _loop))
        {
            throw new InvalidOperationException($"{this} belongs to another event loop.");
        }
    }

    /// <summary>
    /// The nearest scope, this one or one around it, that matters to other tasks: one that throws once has its own task to tell, unless it is a shield.
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
        task.NextInScope = _firstTask;
        if (_firstTask is not null)
        {
            _firstTask.PreviousInScope = task;
        }

        _firstTask = task;
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
            _firstTask = next;
        }

        task.NextInScope = null;
        task.PreviousInScope = null;
    }

    private void Attach(CancelScope? parent)
    {
        Parent = parent;
        if (parent is not null)
        {
            _nextSibling = parent._firstChild;
            if (_nextSibling is not null)
            {
                _nextSibling._previousSibling = this;
            }

            parent._firstChild = this;
        }
    }

    private void Detach()
    {
        if (TokenSource is not null)
        {
            Task.ScopesWithToken.Remove(this);
        }

        Unlink();
        if (_firstChild is not null || _firstTask is not null || Task.IsWaiting)
        {
            LeaveBehind();
        }
    }

    /// <summary>
    /// Code may go on in this scope, or in scopes of its own within it, that whoever leaves the scope has not waited for; so may tasks. They are in the scope around
    /// this one now. A cancellation that is thrown once is left to the code that waits for it.
    /// </summary>
    private void LeaveBehind()
    {
        var reached = new List<CancelScope>();
        while (_firstChild is { } child)
        {
            child.Unlink();
            child.Attach(Parent);
            child.MarkDue(reached);
        }

        foreach (var scope in reached)
        {
            if (scope.Due is { IsLevelTriggered: true })
            {
                scope.Deliver();
            }
        }

        var tasks = TakeTasks();
        foreach (var task in tasks)
        {
            Remove(task);
            task.JoinScope(Parent?.NearestForTasks());
        }

        if (Parent is { Due.IsLevelTriggered: true })
        {
            Task.DeliverScope(Parent);
        }

        foreach (var task in tasks)
        {
            if (task.RootScope is { Due.IsLevelTriggered: true } scope)
            {
                task.CancelOwnToken();
                task.DeliverScope(scope);
            }
        }
    }

    private List<LoopTask> TakeTasks()
    {
        var tasks = new List<LoopTask>();
        for (var task = _firstTask; task is not null; task = task.NextInScope)
        {
            tasks.Add(task);
        }

        return tasks;
    }

    private CancelScope? NearestEntered()
    {
        var scope = this;
        while (scope is { IsEntered: false })
        {
            scope = scope.Parent;
        }

        return scope;
    }

    private void Unlink()
    {
        if (_nextSibling is not null)
        {
            _nextSibling._previousSibling = _previousSibling;
        }

        if (_previousSibling is not null)
        {
            _previousSibling._nextSibling = _nextSibling;
        }
        else if (Parent is not null)
        {
            Parent._firstChild = _nextSibling;
        }

        _nextSibling = null;
        _previousSibling = null;
    }

    private CancelScope? WhatIsDue()
    {
        var outer = Shield ? null : Parent?.Due;
        if (outer is { IsLevelTriggered: false } && !ReferenceEquals(outer.Task, Task))
        {
            outer = null;
        }

        return outer is { IsLevelTriggered: true } || !CancelCalled || (!IsLevelTriggered && !_isUndelivered) ? outer : this;
    }

    /// <summary>Has the cancellation take effect, in this scope and those within it.</summary>
    private void Spread()
    {
        if (IsLevelTriggered)
        {
            UpdateDue();
            return;
        }

        Task.AddCancelledScope();
        Task.CancelTokens(this);
        var cancelling = _loop.CancellingTasks;
        var start = cancelling.Count;
        if (!Task.CancelLeaves(this, Reason))
        {
            SetUndelivered(true);
        }
        else
        {
            CountThrown();
        }

        LoopTask.CancelAwaited(cancelling, start, Reason);
    }

    private void SetUndelivered(bool value)
    {
        if (_isUndelivered != value)
        {
            _isUndelivered = value;
            _thrownAt = value ? 0 : _thrownAt;
            Task.CountUndelivered(value ? 1 : -1);
            MarkDue(null);
        }
    }

    private void UpdateShield()
    {
        UpdateDue();
        if (!Shield)
        {
            Task.DeliverPendingRequest();
        }
    }

    /// <summary>Works out anew what is due in this scope and those within it, and delivers what has become so.</summary>
    private void UpdateDue()
    {
        var reached = new List<CancelScope>();
        MarkDue(reached);
        foreach (var scope in reached)
        {
            scope.Deliver();
        }
    }

    /// <summary>Marks this scope and those within it, without recursion.</summary>
    private void MarkDue(List<CancelScope>? reached)
    {
        var pending = new Stack<CancelScope>();
        pending.Push(this);
        while (pending.TryPop(out var scope))
        {
            var due = scope.WhatIsDue();
            if (ReferenceEquals(due, scope.Due))
            {
                continue;
            }

            scope.Due = due;
            if (due is not null)
            {
                reached?.Add(scope);
            }

            for (var child = scope._firstChild; child is not null; child = child._nextSibling)
            {
                pending.Push(child);
            }
        }
    }

    private void Deliver()
    {
        // The tokens first: foreign code that sees its operation fail asks the token why.
        Task.CancelToken(TokenSource);
        Task.DeliverScope(this);
        if (Due is not { IsLevelTriggered: true })
        {
            return;
        }

        if (_firstTask is not null)
        {
            // Callbacks on tokens may do anything, such as make tasks.
            foreach (var task in TakeTasks())
            {
                task.CancelOwnToken();
                task.DeliverScope(this);
            }
        }
    }

    private bool IsShieldedFromTask()
    {
        for (var scope = this; scope is not null && ReferenceEquals(scope.Task, Task); scope = scope.Parent)
        {
            if (scope.Shield)
            {
                return true;
            }
        }

        return false;
    }
}

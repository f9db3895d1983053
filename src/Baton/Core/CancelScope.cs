using System.Diagnostics.CodeAnalysis;

namespace Baton;

/// <summary>
/// A part of a task that can be cancelled by itself: by <see cref="Cancel"/>, by a deadline, or with the scope around it. Corresponds to trio's
/// <c>CancelScope</c>; asyncio has none.
/// </summary>
/// <remarks>
/// <para>Level-triggered: once cancelled, every suspension in the scope throws a <see cref="CancelledException"/>, until the code has left the scope, so that a
/// cancellation which some code swallows is not lost. The exception ends at the edge of the scope that was cancelled: see <see cref="CancelCaught"/>.</para>
/// <para>A scope reaches the scopes and task groups that are opened in it, and the tasks of those groups, but for what is in a scope that is
/// <see cref="Shield">shielded</see>. A task that was started in it otherwise is on its own.</para>
/// <para>All members are for the loop's thread.</para>
/// </remarks>
public sealed partial class CancelScope
{
    private static readonly Action<object?> ExpireAction = static scope => ((CancelScope)scope!).Expire();

    private readonly EventLoop _loop;
    private long? _deadline;
    private long? _timeout;
    private TimerHandle _timer;
    private Handle _immediate;
    private bool _shield;
    private State _state;
    private int _deliveredAtEntry;
    private int _deliveriesAtEntry;
    private int _thrownAtEntry;
    private int _thrownAt;
    private LoopItem? _acceptedBy;
    private LoopSynchronizationContext? _context;

    /// <summary>Creates a scope of the current loop, to be entered once. Most code calls <see cref="Run(Func{CancelScope, Coroutine}, TimeSpan?, bool, string?)"/>.</summary>
    /// <param name="timeout">The time after which the scope is cancelled, from when it is entered; null for none.</param>
    /// <param name="shield">See <see cref="Shield"/>.</param>
    /// <param name="name">The name in reports and in the exception's message.</param>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public CancelScope(TimeSpan? timeout = null, bool shield = false, string? name = null)
    {
        _loop = EventLoop.Current;
        _shield = shield;
        Name = name;
        if (timeout is { } time && time != System.Threading.Timeout.InfiniteTimeSpan)
        {
            _timeout = EventLoop.ToNanoseconds(time);
        }
    }

    private enum State : byte
    {
        New,
        Entered,
        Left,
    }

    /// <summary>The innermost scope around the code that runs now, or null.</summary>
    public static CancelScope? Current => EventLoop.CurrentOrNull?.CurrentScope;

    /// <summary>The name in reports, where the scope was given one.</summary>
    public string? Name { get; }

    /// <summary>
    /// Whether the scope is cancelled for good, so that every suspension in it throws. False for one that throws once, as a request to a task does; asyncio's
    /// time-outs and task groups are made so. Set before the scope is entered.
    /// </summary>
    public bool IsLevelTriggered { get; init; } = true;

    /// <summary>Whether the scope has been cancelled itself, whether or not anything has been thrown.</summary>
    public bool CancelCalled { get; private set; }

    /// <summary>Whether the cancellation of this scope ended the code in it, and was caught at the scope's edge.</summary>
    public bool CancelCaught { get; private set; }

    /// <summary>Why the scope was cancelled: the message of the exceptions. Null while it is not.</summary>
    public string? CancelReason { get; private set; }

    /// <summary>Whether the deadline cancelled the scope.</summary>
    public bool IsExpired { get; private set; }

    /// <summary>How often the cancellation has been thrown in the scope, or in those within it. More than a few times means that some code swallows it.</summary>
    public int DeliveryCount { get; private set; }

    /// <summary>Whether code runs in the scope.</summary>
    public bool IsEntered => _state == State.Entered;

    /// <summary>
    /// The time of the loop's clock, in nanoseconds, at which the scope is cancelled; null for none, and before a scope with a time-out is entered. May be changed
    /// at any time before it has passed.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public long? Deadline
    {
        get => _deadline;
        set
        {
            _loop.CheckThread();
            _deadline = value;
            _timeout = null;
            if (IsEntered)
            {
                SetTimer(_loop.Time);
            }
        }
    }

    /// <summary>
    /// Whether cancellations from outside, of scopes around this one and of the task, wait until the code has left this scope. The scope's own deadline and
    /// <see cref="Cancel"/> still hold: give clean-up code that must not be cancelled a shield and a deadline.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public bool Shield
    {
        get => _shield;
        set
        {
            _loop.CheckThread();
            if (_shield != value)
            {
                _shield = value;
                if (IsEntered)
                {
                    UpdateShield();
                }
            }
        }
    }

    /// <summary>A token that is cancelled when code in this scope is: by the scope, those around it, or a request to the task. For APIs that take one.</summary>
    /// <exception cref="InvalidOperationException">The scope is not entered, or this is not the loop's thread.</exception>
    public CancellationToken CancellationToken
    {
        get
        {
            _loop.CheckThread();
            CheckEntered();
            if (TokenSource is null)
            {
                TokenSource = new CancellationTokenSource();
                Task.ScopesWithToken.Add(this);
                if (CancelCalled || Due is not null || (Task.CancelRequests > 0 && !IsShieldedFromTask()))
                {
                    TokenSource.Cancel();
                }
            }

            return TokenSource.Token;
        }
    }

    internal CancellationTokenSource? TokenSource { get; private set; }

    /// <summary>The task that has entered the scope.</summary>
    internal LoopTask Task { get; private set; } = null!;

    /// <summary>The message of the exceptions.</summary>
    internal string Reason => CancelReason ?? DefaultReason;

    private string DefaultReason => Name is null ? "The scope was cancelled." : $"The scope '{Name}' was cancelled.";

    /// <summary>Runs a coroutine in a scope of its own, within the current task.</summary>
    /// <param name="body">Called with the scope.</param>
    /// <param name="timeout">The time, from now, after which the scope is cancelled; null for none.</param>
    /// <param name="shield">See <see cref="Shield"/>.</param>
    /// <param name="name">The name in reports.</param>
    /// <returns>True when the body ran to its end; false when the scope was cancelled and that ended the body.</returns>
    /// <exception cref="InvalidOperationException">Outside of a task.</exception>
    public static async Coroutine<bool> Run(Func<CancelScope, Coroutine> body, TimeSpan? timeout = null, bool shield = false, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        var scope = new CancelScope(timeout, shield, name);
        scope.Enter();
        try
        {
            await body(scope);
            scope.Exit();
            return true;
        }
        catch (Exception exception) when (scope.Exit(exception))
        {
            return false;
        }
    }

    /// <summary>Runs a coroutine with a result in a scope of its own, within the current task.</summary>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <param name="body">Called with the scope.</param>
    /// <param name="whenCancelled">The result where the scope was cancelled and that ended the body.</param>
    /// <param name="timeout">The time, from now, after which the scope is cancelled; null for none.</param>
    /// <param name="shield">See <see cref="Shield"/>.</param>
    /// <param name="name">The name in reports.</param>
    /// <exception cref="InvalidOperationException">Outside of a task.</exception>
    public static async Coroutine<TResult> Run<TResult>(
        Func<CancelScope, Coroutine<TResult>> body, TResult whenCancelled, TimeSpan? timeout = null, bool shield = false, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        var scope = new CancelScope(timeout, shield, name);
        scope.Enter();
        try
        {
            var result = await body(scope);
            scope.Exit();
            return result;
        }
        catch (Exception exception) when (scope.Exit(exception))
        {
            return whenCancelled;
        }
    }

    /// <summary>
    /// Cancels the scope: what the code in it waits for ends with a <see cref="CancelledException"/>; where it does not wait, its next suspension does. Before
    /// the scope is entered it takes effect then; after it was left, and a second time, it does nothing.
    /// </summary>
    /// <param name="reason">The message of the exceptions.</param>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public void Cancel(string? reason = null)
    {
        _loop.CheckThread();
        if (CancelCalled || _state == State.Left)
        {
            return;
        }

        CancelCalled = true;
        CancelReason = reason ?? DefaultReason;
        StopTimer();
        if (IsEntered)
        {
            Spread();
        }
    }

    /// <summary>Sets the deadline anew, from now. Null takes it away.</summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public void Reschedule(TimeSpan? timeout) => Deadline = timeout is { } time && time != System.Threading.Timeout.InfiniteTimeSpan
        ? EventLoop.Deadline(_loop.Time, EventLoop.ToNanoseconds(time))
        : null;

    /// <summary>
    /// Enters the scope: for those who build constructs of their own. The async method that calls it must be a coroutine, and must call
    /// <see cref="Exit(Exception?)"/> on every way out.
    /// </summary>
    /// <exception cref="InvalidOperationException">The scope was entered before, or this is outside of a task or on another thread.</exception>
    public void Enter()
    {
        _loop.CheckThread();
        if (_state != State.New)
        {
            throw new InvalidOperationException($"{this} has been entered before. A scope can be entered once; create another one.");
        }

        Task = _loop.CurrentTask ?? throw new InvalidOperationException(
            "A cancel scope can be entered in a task only. Make the code a coroutine and run it by EventLoop.CreateTask or Coroutine.Start.");
        _state = State.Entered;

        _deliveredAtEntry = Task.DeliveredRequests;
        _deliveriesAtEntry = Task.Deliveries;
        _thrownAtEntry = Task.ThrownScopes;
        Attach(_loop.CurrentScope);
        Due = WhatIsDue();
        _loop.ReturnToScope(this);
        if (CancelCalled)
        {
            Spread();
        }
        else if (_timeout is not null || _deadline is not null)
        {
            var now = _loop.Time;
            _deadline ??= EventLoop.Deadline(now, _timeout!.Value);
            SetTimer(now);
        }
    }

    /// <summary>Leaves the scope after code that ended well.</summary>
    public void Exit() => Exit(null);

    /// <summary>Leaves the scope.</summary>
    /// <param name="exception">The exception that ended the code in it; null where there was none.</param>
    /// <returns>
    /// Whether the exception ends here: it is the cancellation of this scope, and nothing around it was cancelled as well. Otherwise the caller must let it through.
    /// </returns>
    /// <exception cref="InvalidOperationException">The scope is not entered, or this is not the loop's thread.</exception>
    public bool Exit(Exception? exception)
    {
        _loop.CheckThread();
        CheckEntered();
        _state = State.Left;
        StopTimer();
        if (CancelCalled && !IsLevelTriggered)
        {
            SetUndelivered(false);
            Task.RemoveCancelledScope();
        }

        CancelCaught = CancelCalled && IsCancellation(exception) && !IsCancelledFromOutside();
        if (Parent is not { Due.IsLevelTriggered: true })
        {
            // What was swallowed in the scope, if anything was, is over.
            Task.ForgetDeliveries(_deliveriesAtEntry);
        }

        Detach();
        if (ReferenceEquals(_loop.CurrentScope, this))
        {
            _loop.ReturnToScope(Parent);
        }

        return CancelCaught;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"CancelScope{(Name is null ? "" : $" '{Name}'")} ({(CancelCalled ? "cancelled" : _state switch { State.New => "new", State.Entered => "entered", _ => "left" })})";

    /// <summary>In how many iterations a task has been told of cancellations since it entered this scope, or since it began in it.</summary>
    internal int DeliveriesTo(LoopTask task) => task.Deliveries - (ReferenceEquals(task, Task) ? _deliveriesAtEntry : 0);

    internal LoopSynchronizationContext ContextFor(LoopTask? task) =>
        ReferenceEquals(task, Task) ? _context ??= new LoopSynchronizationContext(this) : task!.Context;

    /// <summary>Gives up a token that was cancelled by a request to the task, which has been taken back.</summary>
    internal bool TryDropToken()
    {
        if (TokenSource is { IsCancellationRequested: false } || CancelCalled || Due is not null)
        {
            return false;
        }

        TokenSource = null;
        return true;
    }

    /// <summary>The cancellation has been thrown, here or in a scope within.</summary>
    internal void CountDelivery() => DeliveryCount++;

    /// <summary>An exception that is thrown in this scope stands for everything that was still to be thrown here, once, by this scope and those around it.</summary>
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
                scope._acceptedBy = leaf;
            }

            if (scope.Shield)
            {
                break;
            }
        }
    }

    /// <summary>Something has accepted the cancellation of this scope and has not ended: it may still come to a result.</summary>
    internal void AcceptBy(LoopItem leaf) => _acceptedBy = leaf;

    /// <summary>Whether code that was in this scope, which has been left, may have obeyed a cancellation from outside of it.</summary>
    internal bool MayHaveObeyed() =>
        IsCancelledFromOutside() || Task.DueIn(Parent) is not null || (Task.HasPendingRequest && !IsShieldedFromTask());

    /// <summary>
    /// Something else is thrown in the place of what was thrown in this scope, which has been left, and came from outside: that is still to be thrown.
    /// </summary>
    internal void RestoreUndelivered()
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

    /// <summary>What had accepted cancellations of this scope or of those around it has ended. If with a result, those that throw once are still to be thrown.</summary>
    internal void EndAccepted(LoopItem leaf, bool hasResult)
    {
        for (var scope = this; scope is not null; scope = scope.Parent)
        {
            if (ReferenceEquals(scope._acceptedBy, leaf))
            {
                scope._acceptedBy = null;
                if (hasResult && !scope.IsLevelTriggered && scope.IsEntered)
                {
                    scope.SetUndelivered(true);
                }
            }
        }
    }

    /// <summary>Another library's exception counts where it obeyed a token; a time-out that it dressed up as a cancellation does not.</summary>
    private static bool IsCancellation([NotNullWhen(true)] Exception? exception) =>
        exception is OperationCanceledException && (exception is CancelledException || exception.InnerException is not TimeoutException);

    private bool IsCancelledFromOutside()
    {
        if (!Shield && Parent is { Due.IsLevelTriggered: true })
        {
            return true;
        }

        // What was still to be thrown at the entry, and was thrown since, came from outside as well.
        for (var scope = this; !scope.Shield; scope = scope.Parent)
        {
            if (scope.Parent is null || !ReferenceEquals(scope.Parent.Task, Task))
            {
                return Task.DeliveredRequests > _deliveredAtEntry;
            }

            if (scope.Parent._thrownAt > _thrownAtEntry)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>A cancellation that is thrown once has been.</summary>
    private void CountThrown()
    {
        DeliveryCount++;
        _thrownAt = Task.CountThrownScope();
    }

    private void SetTimer(long now)
    {
        StopTimer();
        if (_deadline is not { } deadline || CancelCalled)
        {
            return;
        }

        if (deadline > now)
        {
            if (deadline != long.MaxValue)
            {
                _timer = _loop.CallAt(deadline, ExpireAction, this);
            }
        }
        else if (IsLevelTriggered)
        {
            Expire();
        }
        else
        {
            // As in asyncio, what is thrown once comes from the loop: code that never waits is not timed out.
            _immediate = _loop.CallSoon(ExpireAction, this);
        }
    }

    private void StopTimer()
    {
        _timer.Cancel();
        _immediate.Cancel();
    }

    private void Expire()
    {
        IsExpired = true;
        Cancel(Name is null ? "The deadline of the scope has passed." : $"The deadline of the scope '{Name}' has passed.");
    }

    private void CheckEntered()
    {
        if (!IsEntered)
        {
            throw new InvalidOperationException($"{this} is not entered.");
        }
    }
}

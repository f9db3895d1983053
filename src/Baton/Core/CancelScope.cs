using System.Diagnostics.CodeAnalysis;

namespace Baton;

/// <summary>
/// A part of a task that can be cancelled by itself: by <see cref="Cancel"/>, by a deadline, or with the scope around it. Corresponds to
/// trio's <c>CancelScope</c>; asyncio has none.
/// </summary>
/// <remarks>
/// <para>Level-triggered: once cancelled, every suspension in the scope throws a <see cref="CancelledException"/>, until the code has left
/// the scope, so that a cancellation which some code swallows is not lost. The exception ends at the edge of the scope that was cancelled:
/// see <see cref="CancelCaught"/>.</para>
/// <para>A scope reaches the scopes and task groups that are opened in it, and the tasks of those groups, but for what is in a scope that
/// is <see cref="Shield">shielded</see>. A task that was started in it otherwise is on its own.</para>
/// <para>All members are for the loop's thread.</para>
/// </remarks>
public sealed partial class CancelScope
{
    private readonly EventLoop _loop;
    private bool _shield;
    private State _state;
    private int _deliveredAtEntry;
    private int _deliveriesAtEntry;
    private int _thrownAtEntry;
    private int _thrownAt;
    private LoopSynchronizationContext? _context;
    private Details? _details;

    /// <summary>
    /// Creates a scope of the current loop, to be entered once. Most code calls
    /// <see cref="Run(Func{CancelScope, Coroutine}, TimeSpan?, bool, string?)"/>.
    /// </summary>
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
            _time = EventLoop.ToNanoseconds(time);
            _limit = Limit.Timeout;
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
    /// Whether the scope is cancelled for good, so that every suspension in it throws. False for one that throws once, as a request to a
    /// task does; asyncio's time-outs and task groups are made so. Set before the scope is entered.
    /// </summary>
    public bool IsLevelTriggered { get; init; } = true;

    /// <summary>Whether the scope has been cancelled itself, whether or not anything has been thrown.</summary>
    public bool CancelCalled { get; private set; }

    /// <summary>
    /// Whether code in this scope is cancelled for good: by this scope or one around it, with no shield in between. Corresponds to trio's
    /// <c>effectively_cancelled</c>.
    /// </summary>
    public bool IsEffectivelyCancelled => IsEntered && FindDue(Task) is { IsLevelTriggered: true };

    /// <summary>Whether the cancellation of this scope ended the code in it, and was caught at the scope's edge.</summary>
    public bool CancelCaught { get; private set; }

    /// <summary>Why the scope was cancelled: the message of the exceptions. Null while it is not.</summary>
    public string? CancelReason => CancelCalled ? Reason : null;

    /// <summary>Whether the deadline cancelled the scope.</summary>
    public bool IsExpired { get; private set; }

    /// <summary>
    /// How often the cancellation has been thrown in the scope, or in those within it. More than a few times means that some code swallows
    /// it.
    /// </summary>
    public int DeliveryCount => _details?.DeliveryCount ?? 0;

    /// <summary>Whether code runs in the scope.</summary>
    public bool IsEntered => _state == State.Entered;

    /// <summary>
    /// Whether cancellations from outside, of scopes around this one and of the task, wait until the code has left this scope. The scope's
    /// own deadline and <see cref="Cancel"/> still hold: give clean-up code that must not be cancelled a shield and a deadline.
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
                if (IsEntered && !value)
                {
                    DeliverFromOutside();
                }
            }
        }
    }

    /// <summary>
    /// A token that is cancelled when code in this scope is: by the scope, those around it, or a request to the task. For APIs that take
    /// one.
    /// </summary>
    /// <exception cref="InvalidOperationException">The scope is not entered, or this is not the loop's thread.</exception>
    public CancellationToken CancellationToken
    {
        get
        {
            _loop.CheckThread();
            CheckEntered();
            if (TokenSource is null)
            {
                Rare.TokenSource = new CancellationTokenSource();
                Task.ScopesWithToken.Add(this);
                if (CancelCalled || FindDue(Task) is not null || (Task.CancelRequests > 0 && Task.Reaches(null, this)))
                {
                    Rare.TokenSource.Cancel();
                }
            }

            return TokenSource!.Token;
        }
    }

    internal CancellationTokenSource? TokenSource => _details?.TokenSource;

    /// <summary>The task that has entered the scope.</summary>
    internal LoopTask Task { get; private set; } = null!;

    /// <summary>The message of the exceptions.</summary>
    internal string Reason => _details?.Reason ?? (Name, IsExpired) switch
    {
        (null, false) => "The scope was cancelled.",
        (null, true) => "The deadline of the scope has passed.",
        (_, false) => $"The scope '{Name}' was cancelled.",
        _ => $"The deadline of the scope '{Name}' has passed.",
    };

    private Details Rare => _details ??= new Details();

    /// <summary>Runs a coroutine in a scope of its own, within the current task.</summary>
    /// <param name="body">Called with the scope.</param>
    /// <param name="timeout">The time, from now, after which the scope is cancelled; null for none.</param>
    /// <param name="shield">See <see cref="Shield"/>.</param>
    /// <param name="name">The name in reports.</param>
    /// <returns>True when the body ran to its end; false when the scope was cancelled and that ended the body.</returns>
    /// <exception cref="InvalidOperationException">Outside of a task.</exception>
    public static async Coroutine<bool> Run(
        Func<CancelScope, Coroutine> body, TimeSpan? timeout = null, bool shield = false, string? name = null)
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
        Func<CancelScope, Coroutine<TResult>> body,
        TResult whenCancelled,
        TimeSpan? timeout = null,
        bool shield = false,
        string? name = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        var result = whenCancelled;
        await Run(async Coroutine (scope) => result = await body(scope), timeout, shield, name);
        return result;
    }

    /// <summary>
    /// Cancels the scope: what the code in it waits for ends with a <see cref="CancelledException"/>; where it does not wait, its next
    /// suspension does. Before the scope is entered it takes effect then; after it was left, and a second time, it does nothing.
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
        if (reason is not null)
        {
            Rare.Reason = reason;
        }

        _timer.Cancel();
        if (IsEntered)
        {
            Spread();
        }
    }

    /// <summary>
    /// Enters the scope: for those who build constructs of their own. The async method that calls it must be a coroutine, and must call
    /// <see cref="Exit(Exception?)"/> on every way out.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// The scope was entered before, or this is outside of a task or on another thread.
    /// </exception>
    public void Enter()
    {
        CheckRunning();
        if (_state != State.New)
        {
            throw new InvalidOperationException($"{this} has been entered before. A scope can be entered once; create another one.");
        }

        Task = _loop.CurrentTask ?? throw new InvalidOperationException(
            "A time-out or cancel scope was opened outside of a task, so there is nothing to cancel. Make the code that opens it a task: see Coroutine.Start.");
        Parent = _loop.CurrentScope;
        _state = State.Entered;

        _deliveredAtEntry = Task.DeliveredRequests;
        _deliveriesAtEntry = Task.Deliveries;
        _thrownAtEntry = Task.ThrownScopes;
        _loop.ReturnToScope(this);
        if (CancelCalled)
        {
            Spread();
        }
        else if (_limit != Limit.None)
        {
            StartLimit();
        }
    }

    /// <summary>Leaves the scope after code that ended well.</summary>
    public void Exit() => Exit(null);

    /// <summary>Leaves the scope.</summary>
    /// <param name="exception">The exception that ended the code in it; null where there was none.</param>
    /// <returns>
    /// Whether the exception ends here: it is the cancellation of this scope, and nothing around it was cancelled as well. Otherwise the
    /// caller must let it through.
    /// </returns>
    /// <exception cref="InvalidOperationException">The scope is not entered, or this is not the loop's thread.</exception>
    public bool Exit(Exception? exception)
    {
        CheckRunning();
        CheckEntered();
        _state = State.Left;
        _timer.Cancel();
        if (CancelCalled && !IsLevelTriggered)
        {
            SetUndelivered(false);
            Task.RemoveCancelledScope();
        }

        CancelCaught = CancelCalled && IsCancellation(exception) && !IsCancelledFromOutside();
        if (Task.Deliveries > _deliveriesAtEntry && Parent?.FindDue(Task) is not { IsLevelTriggered: true })
        {
            // What was swallowed in the scope is over.
            Task.ForgetDeliveries(_deliveriesAtEntry);
        }

        LeaveBehind();
        if (ReferenceEquals(_loop.CurrentScope, this))
        {
            _loop.ReturnToScope(Parent);
        }

        return CancelCaught;
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"CancelScope{(Name is null ? "" : $" '{Name}'")} ({(CancelCalled ? "cancelled" : _state switch { State.New => "new", State.Entered => "entered", _ => "left" })})";

    internal LoopSynchronizationContext ContextFor(LoopTask? task) =>
        ReferenceEquals(task, Task) ? _context ??= new LoopSynchronizationContext(this) : task!.Context;

    /// <summary>Gives up a token that was cancelled by a request to the task, which has been taken back.</summary>
    internal bool TryDropToken()
    {
        if (TokenSource is { IsCancellationRequested: false } || CancelCalled || FindDue(Task) is not null)
        {
            return false;
        }

        _details!.TokenSource = null;
        return true;
    }

    /// <summary>
    /// Another library's exception counts where it obeyed a token; a time-out that it dressed up as a cancellation does not.
    /// </summary>
    private static bool IsCancellation([NotNullWhen(true)] Exception? exception) =>
        exception is OperationCanceledException && (exception is CancelledException || exception.InnerException is not TimeoutException);

    private bool IsCancelledFromOutside()
    {
        if (!Shield && Parent?.FindDue(Task) is { IsLevelTriggered: true })
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

    /// <summary>As <see cref="EventLoop.CheckThread"/>, for half its price: a scope is entered and left only where its loop runs.</summary>
    private void CheckRunning()
    {
        if (!ReferenceEquals(EventLoop.CurrentOrNull, _loop))
        {
            _loop.CheckThread();
        }
    }

    private void CheckEntered()
    {
        if (!IsEntered)
        {
            throw new InvalidOperationException($"{this} is not entered.");
        }
    }

    /// <summary>What most scopes never have.</summary>
    private sealed class Details
    {
        internal string? Reason;
        internal CancellationTokenSource? TokenSource;
        internal LoopTask? FirstTask;
        internal int DeliveryCount;

        /// <summary>What has accepted the cancellation and has not ended, and may still come to a result.</summary>
        internal LoopItem? AcceptedBy;
    }
}

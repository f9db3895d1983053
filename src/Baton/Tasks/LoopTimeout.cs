using System.Globalization;

namespace Baton;

/// <summary>
/// A limit to the time that a part of a task may take: when it has passed, the part is cancelled, and <see cref="TimeoutException"/> is
/// thrown at its end. Corresponds to <c>asyncio.Timeout</c>, and not called <c>Timeout</c>: that name is the BCL's.
/// </summary>
/// <remarks>
/// As in asyncio the cancellation is thrown once: code that catches it and goes on is not interrupted again. <see cref="CancelScope"/> has
/// limits that cannot be swallowed. Time-outs nest; where an outer one is due as well, its exception is the one that gets out.
/// </remarks>
public sealed class LoopTimeout
{
    private readonly CancelScope _scope;

    private LoopTimeout(TimeSpan timeout) => _scope = CreateScope(timeout);

    private LoopTimeout(long? when) => _scope = new CancelScope { IsLevelTriggered = false, Deadline = when };

    /// <summary>The deadline, in nanoseconds of <see cref="EventLoop.Time"/>; null for none. Corresponds to <c>Timeout.when</c>.</summary>
    public long? When => _scope.Deadline;

    /// <summary>Whether the deadline has passed while the code ran. Corresponds to <c>Timeout.expired</c>.</summary>
    public bool IsExpired => _scope.IsExpired;

    /// <summary>Runs a coroutine within the current task, for so long at most. Corresponds to <c>asyncio.timeout</c>.</summary>
    /// <param name="timeout">
    /// The limit. Zero or less is past: the coroutine is cancelled when it first suspends.
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> sets no limit.
    /// </param>
    /// <param name="body">Called with the time-out, to reschedule it.</param>
    /// <exception cref="TimeoutException">The time was over, and the coroutine ended as cancelled.</exception>
    /// <exception cref="InvalidOperationException">Outside of a task.</exception>
    public static Coroutine Run(TimeSpan timeout, Func<LoopTimeout, Coroutine> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return RunIn(new LoopTimeout(timeout), body);
    }

    /// <inheritdoc cref="Run(TimeSpan, Func{LoopTimeout, Coroutine})"/>
    /// <param name="timeout">The limit.</param>
    /// <param name="body">What to run.</param>
    public static Coroutine Run(TimeSpan timeout, Func<Coroutine> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return RunIn(CreateScope(timeout), body);
    }

    /// <inheritdoc cref="Run(TimeSpan, Func{LoopTimeout, Coroutine})"/>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    public static Coroutine<TResult> Run<TResult>(TimeSpan timeout, Func<LoopTimeout, Coroutine<TResult>> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return RunIn(new LoopTimeout(timeout), body);
    }

    /// <inheritdoc cref="Run(TimeSpan, Func{Coroutine})"/>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    public static Coroutine<TResult> Run<TResult>(TimeSpan timeout, Func<Coroutine<TResult>> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return RunIn(CreateScope(timeout), body);
    }

    /// <summary>Runs a coroutine within the current task, until a time at most. Corresponds to <c>asyncio.timeout_at</c>.</summary>
    /// <param name="when">The deadline, in nanoseconds of <see cref="EventLoop.Time"/>; null for none.</param>
    /// <param name="body">Called with the time-out, to reschedule it.</param>
    /// <exception cref="TimeoutException">The time was over, and the coroutine ended as cancelled.</exception>
    /// <exception cref="InvalidOperationException">Outside of a task.</exception>
    public static Coroutine RunAt(long? when, Func<LoopTimeout, Coroutine> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return RunIn(new LoopTimeout(when), body);
    }

    /// <inheritdoc cref="RunAt(long?, Func{LoopTimeout, Coroutine})"/>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    public static Coroutine<TResult> RunAt<TResult>(long? when, Func<LoopTimeout, Coroutine<TResult>> body)
    {
        ArgumentNullException.ThrowIfNull(body);
        return RunIn(new LoopTimeout(when), body);
    }

    /// <summary>Sets the limit anew, from now. Corresponds to <c>Timeout.reschedule</c>.</summary>
    /// <param name="timeout">The time from now; null or <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> for no limit.</param>
    /// <exception cref="InvalidOperationException">
    /// The code has ended, or the deadline has passed, or this is not the loop's thread.
    /// </exception>
    public void Reschedule(TimeSpan? timeout)
    {
        CheckActive();
        _scope.Reschedule(timeout);
    }

    /// <summary>Sets the deadline anew. Corresponds to <c>Timeout.reschedule</c>.</summary>
    /// <param name="when">Nanoseconds of <see cref="EventLoop.Time"/>; null for none.</param>
    /// <exception cref="InvalidOperationException">
    /// The code has ended, or the deadline has passed, or this is not the loop's thread.
    /// </exception>
    public void RescheduleAt(long? when)
    {
        CheckActive();
        _scope.Deadline = when;
    }

    /// <inheritdoc/>
    public override string ToString() => $"LoopTimeout ({State})";

    private string State => (IsExpired, _scope.IsEntered) switch
    {
        (true, true) => "expiring",
        (true, false) => "expired",
        (false, true) =>
            When is { } when ? string.Create(CultureInfo.InvariantCulture, $"active, due at {when} ns") : "active, without a deadline",
        (false, false) => "finished",
    };

    private static async Coroutine RunIn(LoopTimeout timeout, Func<LoopTimeout, Coroutine> body)
    {
        var scope = timeout._scope;
        scope.Enter();
        try
        {
            await body(timeout);
            scope.Exit();
        }
        catch (Exception exception) when (scope.Exit(exception))
        {
            throw TimedOut(exception);
        }
    }

    private static async Coroutine RunIn(CancelScope scope, Func<Coroutine> body)
    {
        scope.Enter();
        try
        {
            await body();
            scope.Exit();
        }
        catch (Exception exception) when (scope.Exit(exception))
        {
            throw TimedOut(exception);
        }
    }

    private static async Coroutine<TResult> RunIn<TResult>(LoopTimeout timeout, Func<LoopTimeout, Coroutine<TResult>> body)
    {
        var scope = timeout._scope;
        scope.Enter();
        try
        {
            var result = await body(timeout);
            scope.Exit();
            return result;
        }
        catch (Exception exception) when (scope.Exit(exception))
        {
            throw TimedOut(exception);
        }
    }

    private static async Coroutine<TResult> RunIn<TResult>(CancelScope scope, Func<Coroutine<TResult>> body)
    {
        scope.Enter();
        try
        {
            var result = await body();
            scope.Exit();
            return result;
        }
        catch (Exception exception) when (scope.Exit(exception))
        {
            throw TimedOut(exception);
        }
    }

    private static CancelScope CreateScope(TimeSpan timeout) => new(timeout) { IsLevelTriggered = false };

    private static TimeoutException TimedOut(Exception cancelled) =>
        new("The operation has taken longer than its time-out allows.", cancelled);

    private void CheckActive()
    {
        if (!_scope.IsEntered || _scope.CancelCalled)
        {
            throw new InvalidOperationException(
                $"Cannot reschedule {this}: only a time-out whose code still runs, and whose deadline has not passed, can be.");
        }
    }
}

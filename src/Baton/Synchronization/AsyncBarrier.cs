namespace Baton;

/// <summary>
/// A point at which a number of tasks of one loop wait for each other, again and again. Corresponds to <c>asyncio.Barrier</c>.
/// </summary>
/// <remarks>
/// <para>Invariants. <em>Filling</em>: fewer than <see cref="Parties"/> wait. <em>Draining</em>: all have come and some have not gone on
/// yet; who comes now waits for that first, and for the end of the iteration in which the last one goes on. <em>Resetting</em>: the same,
/// but they go on with an exception. <em>Broken</em>: every wait fails until a reset.</para>
/// <para>For the loop's thread only. It belongs to the loop that first uses it, and can be made before any runs.</para>
/// </remarks>
public sealed class AsyncBarrier : ILoopBound
{
    private static readonly Action<object?> OnNextTurn = static barrier => ((AsyncBarrier)barrier!).BeginNextTurn();

    private readonly WaiterQueue<int> _filling;
    private readonly WaiterQueue<int> _blocked; // those who came while others were still leaving
    private LoopBinding _binding;
    private WaiterPool<BarrierWaiter>? _pool;
    private State _state;
    private bool _isNextTurnDue;
    private int _leaving;

    /// <summary>Creates a barrier.</summary>
    /// <param name="parties">How many tasks wait for each other.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is zero or less.</exception>
    public AsyncBarrier(int parties)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(parties);
        Parties = parties;
        _filling = new WaiterQueue<int>(this, nameof(WaitAsync));
        _blocked = new WaiterQueue<int>(this, nameof(WaitAsync));
    }

    private enum State
    {
        Filling,
        Draining,
        Resetting,
        Broken,
    }

    /// <summary>How many tasks wait for each other. Corresponds to <c>Barrier.parties</c>.</summary>
    public int Parties { get; }

    /// <summary>How many wait while the barrier fills. Corresponds to <c>Barrier.n_waiting</c>.</summary>
    public int WaitingCount => _filling.Count;

    /// <summary>Whether the barrier was aborted and has not been reset. Corresponds to <c>Barrier.broken</c>.</summary>
    public bool IsBroken => _state == State.Broken;

    string ILoopBound.Kind => nameof(AsyncBarrier);

    bool ILoopBound.IsIdle => _filling.Count == 0 && _blocked.Count == 0 && _leaving == 0;

    /// <summary>
    /// Waits until <see cref="Parties"/> tasks wait; the last one does not suspend. Corresponds to <c>Barrier.wait</c>. A task that is
    /// cancelled while it waits just leaves, and the others wait for one more; once all have come, a cancellation arrives at its next
    /// suspension.
    /// </summary>
    /// <returns>A number from 0 to <see cref="Parties"/> less 1, another one for each task: the order in which they came.</returns>
    /// <exception cref="BrokenBarrierException">The barrier was aborted, or it was reset while the task waited.</exception>
    /// <exception cref="InvalidOperationException">The barrier belongs to another loop, or no loop runs on this thread.</exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited.</exception>
    public ValueTask<int> WaitAsync()
    {
        var loop = _binding.Enter(this);
        switch (_state)
        {
            case State.Broken:
                return ValueTask.FromException<int>(Aborted());
            case State.Filling when _filling.Count == Parties - 1:
                ReleaseAll();
                return loop.TryConsumeBudget() ? new ValueTask<int>(Parties - 1) : Waiter<int>.Done(loop, Parties - 1).Task;
            default:
                var waiter = BarrierWaiter.RentFor(loop, ref _pool, this);
                waiter.Wait(_state == State.Filling ? _filling : _blocked);
                return waiter.Task;
        }
    }

    /// <summary>
    /// Makes the barrier empty and whole again. Those who wait, or have not gone on yet, get a <see cref="BrokenBarrierException"/>; those
    /// who have come for the next turn wait for that. Corresponds to <c>Barrier.reset</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The barrier belongs to another loop.</exception>
    public void Reset()
    {
        _binding.Check(this);
        FailAll(_filling, WasReset);
        _state = State.Resetting;
        FinishLeaving();
    }

    /// <summary>
    /// Breaks the barrier: whoever waits, has not gone on yet, or comes later gets a <see cref="BrokenBarrierException"/>, until
    /// <see cref="Reset"/>. For when one of the tasks will not come. Corresponds to <c>Barrier.abort</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The barrier belongs to another loop.</exception>
    public void Abort()
    {
        _binding.Check(this);
        _state = State.Broken;
        FailAll(_filling, Aborted);
        _blocked.FailAll(Aborted);
    }

    /// <inheritdoc/>
    public override string ToString() =>
        $"AsyncBarrier ({_state switch
        {
            State.Filling => "filling",
            State.Draining => "draining",
            State.Resetting => "resetting",
            _ => "broken",
        }}, {_filling.Count} of {Parties} waiting{(_blocked.Count == 0 ? "" : $", {_blocked.Count} for the next turn")})";

    /// <summary>A task that had been let go runs again. The exception that it gets instead of its number, if any.</summary>
    internal BrokenBarrierException? Leave()
    {
        var failure = _state switch
        {
            State.Resetting => WasReset(),
            State.Broken => Aborted(),
            _ => null,
        };
        _leaving--;
        FinishLeaving();
        return failure;
    }

    private static BrokenBarrierException WasReset() => new("The AsyncBarrier was reset while tasks waited at it.");

    private static BrokenBarrierException Aborted() => new("The AsyncBarrier was aborted. Reset makes it whole again.");

    /// <summary>All have come: lets those go who wait.</summary>
    private void ReleaseAll()
    {
        for (var number = 0; _filling.TryDequeue(out var waiter); number++)
        {
            Release((BarrierWaiter)waiter, number);
        }

        _state = _leaving == 0 ? State.Filling : State.Draining;
    }

    private void Release(BarrierWaiter waiter, int number)
    {
        _leaving++;
        waiter.IsLeaving = true;
        waiter.Succeed(number);
    }

    private void FailAll(WaiterQueue<int> waiters, Func<BrokenBarrierException> failure)
    {
        while (waiters.TryDequeue(out var waiter))
        {
            _leaving++;
            ((BarrierWaiter)waiter).IsLeaving = true;
            waiter.Fail(failure());
        }
    }

    /// <summary>
    /// When all have gone, the barrier fills again, first with those who were too early: not before the last to go has run its step, so
    /// that a reset there is about the turn that it has left.
    /// </summary>
    private void FinishLeaving()
    {
        if (_leaving > 0 || _isNextTurnDue || _state == State.Broken)
        {
            return;
        }

        if (_blocked.First is { } first)
        {
            _isNextTurnDue = true;
            first.Loop.BeforePoll(OnNextTurn, this);
        }
        else
        {
            _state = State.Filling;
        }
    }

    private void BeginNextTurn()
    {
        _isNextTurnDue = false;
        if (_state == State.Broken)
        {
            return;
        }

        _state = State.Filling;
        while (_state == State.Filling && _blocked.TryDequeue(out var waiter))
        {
            if (_filling.Count < Parties - 1)
            {
                _filling.Enqueue(waiter);
            }
            else
            {
                ReleaseAll();
                Release((BarrierWaiter)waiter, Parties - 1);
                _state = State.Draining;
            }
        }
    }
}

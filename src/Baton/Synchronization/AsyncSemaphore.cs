namespace Baton;

/// <summary>
/// A number of units that tasks of one loop take and give back: at most so many at once. Corresponds to <c>asyncio.Semaphore</c>, and with
/// a maximum to <c>asyncio.BoundedSemaphore</c>.
/// </summary>
/// <remarks>
/// <para>Fair: a unit that is given back goes directly to the first who waits, so that nobody can overtake. Taking a unit that is there
/// neither suspends nor allocates.</para>
/// <para>For the loop's thread only. It belongs to the loop that first uses it, and can be made before any runs.</para>
/// </remarks>
/// <example><code>using (await semaphore.AcquireAsync()) { … }</code></example>
public sealed class AsyncSemaphore : ILoopBound
{
    private readonly WaiterQueue<Releaser> _waiters;
    private LoopBinding _binding;

    /// <summary>Creates a semaphore that takes back any number of units. Corresponds to <c>asyncio.Semaphore</c>.</summary>
    /// <param name="value">The units that are there at first.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative.</exception>
    public AsyncSemaphore(int value = 1)
        : this(value, int.MaxValue)
    {
    }

    /// <summary>
    /// Creates a semaphore that notices when more is given back than was taken. Corresponds to <c>asyncio.BoundedSemaphore</c> where both
    /// numbers are the same.
    /// </summary>
    /// <param name="value">The units that are there at first.</param>
    /// <param name="maximum">The most units that can be there.</param>
    /// <exception cref="ArgumentOutOfRangeException">The value is negative or above the maximum, or the maximum is zero.</exception>
    public AsyncSemaphore(int value, int maximum)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maximum);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, maximum);
        Value = value;
        Maximum = maximum;
        _waiters = new WaiterQueue<Releaser>(this, nameof(AcquireAsync));
    }

    /// <summary>The units that are there. None while anybody waits.</summary>
    public int Value { get; private set; }

    /// <summary>The most units that can be there: <see cref="int.MaxValue"/> where no bound was set.</summary>
    public int Maximum { get; }

    /// <summary>Whether <see cref="AcquireAsync"/> would wait. Corresponds to <c>Semaphore.locked</c>.</summary>
    public bool IsLocked => Value == 0;

    /// <summary>How many wait for a unit.</summary>
    public int WaiterCount => _waiters.Count;

    string ILoopBound.Kind => nameof(AsyncSemaphore);

    bool ILoopBound.IsIdle => _waiters.Count == 0;

    /// <summary>
    /// Takes a unit, when there is one and everybody who came earlier has had theirs. Corresponds to <c>Semaphore.acquire</c>. A wait that
    /// is cancelled takes nothing; a unit that has been handed over is the task's, and the cancellation arrives at its next suspension.
    /// </summary>
    /// <returns>What gives the unit back when disposed of. It may be ignored in favour of <see cref="Release()"/>.</returns>
    /// <exception cref="InvalidOperationException">The semaphore belongs to another loop, or no loop runs on this thread.</exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited.</exception>
    public ValueTask<Releaser> AcquireAsync()
    {
        var loop = _binding.Enter(this);
        if (Value == 0)
        {
            return Wait(loop);
        }

        Value--;
        var releaser = new Releaser(this);
        return loop.TryConsumeBudget() ? new ValueTask<Releaser>(releaser) : Waiter<Releaser>.Done(loop, releaser).Task;
    }

    /// <summary>Takes a unit if there is one. False when there is none.</summary>
    /// <exception cref="InvalidOperationException">The semaphore belongs to another loop.</exception>
    public bool TryAcquire()
    {
        _binding.Check(this);
        if (Value == 0)
        {
            return false;
        }

        Value--;
        return true;
    }

    /// <summary>Gives a unit back, or adds one: the first who waits has it from now on. Corresponds to <c>Semaphore.release</c>.</summary>
    /// <exception cref="SemaphoreFullException">All units are there already: more was given back than taken.</exception>
    /// <exception cref="InvalidOperationException">The semaphore belongs to another loop.</exception>
    public void Release()
    {
        _binding.Check(this);
        if (_waiters.TryDequeue(out var waiter))
        {
            waiter.Succeed();
        }
        else if (Value < Maximum)
        {
            Value++;
        }
        else
        {
            throw Full(1);
        }
    }

    /// <summary>Gives back several units, or none where there is no room for all.</summary>
    /// <param name="count">How many; zero does nothing.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    /// <exception cref="SemaphoreFullException">More is given back than was taken.</exception>
    /// <exception cref="InvalidOperationException">The semaphore belongs to another loop.</exception>
    public void Release(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        _binding.Check(this);
        if (count - _waiters.Count > Maximum - Value)
        {
            throw Full(count);
        }

        for (; count > 0 && _waiters.TryDequeue(out var waiter); count--)
        {
            waiter.Succeed();
        }

        Value += count;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var state = IsLocked ? "locked" : $"{Value} free";
        return $"AsyncSemaphore ({state}{(Maximum == int.MaxValue ? "" : $", at most {Maximum}")}, {_waiters.Count} waiting)";
    }

    private ValueTask<Releaser> Wait(EventLoop loop)
    {
        var waiter = _waiters.Rent(loop);
        waiter.Value = new Releaser(this);
        waiter.Wait(_waiters);
        return waiter.Task;
    }

    private SemaphoreFullException Full(int count) => new(
        $"Cannot release {count} of an AsyncSemaphore with {Value} free of at most {Maximum}: more would be given back than was taken. Release once for each AcquireAsync.");
}

using System.Net.Sockets;

namespace Baton.Tests;

/// <summary>
/// A driver without a world: a poll with a timeout moves virtual time on by exactly that timeout, a poll without one waits for
/// <see cref="Wake"/>. What would be I/O is scheduled by the test with <see cref="CompleteAt"/> and happens inside a poll.
/// </summary>
public sealed class VirtualDriver : IoDriver
{
    /// <summary>How long, in real time, a poll without a timeout waits for another thread before it calls the test deadlocked.</summary>
    private static readonly TimeSpan DeadlockGuard = TimeSpan.FromSeconds(20);

    private readonly PriorityQueue<Action, (long When, int Order)> _events = new();
    private readonly SemaphoreSlim _woken = new(0);
    private int _isWoken;
    private int _wakes;
    private int _order;

    public VirtualDriver(VirtualClock? clock = null) => VirtualClock = clock ?? new VirtualClock();

    public override string Name => "virtual";

    public override LoopClock Clock => VirtualClock;

    public VirtualClock VirtualClock { get; }

    /// <summary>The timeouts of all polls so far.</summary>
    public List<long> Timeouts { get; } = [];

    public int Polls => Timeouts.Count;

    /// <summary>Calls of <see cref="Wake"/> so far.</summary>
    public int Wakes => Volatile.Read(ref _wakes);

    public bool IsDisposed { get; private set; }

    /// <summary>Called at the start of every poll, with its timeout.</summary>
    public Action<long>? Polling { get; set; }

    /// <summary>Called when a poll is about to wait for another thread.</summary>
    public Action? Waiting { get; set; }

    /// <summary>Has something happen inside the poll that reaches a time.</summary>
    public void CompleteAt(long when, Action completion) => _events.Enqueue(completion, (when, _order++));

    public void CompleteAfter(TimeSpan delay, Action completion) => CompleteAt(Clock.Now + (delay.Ticks * 100), completion);

    /// <summary>Has something happen inside the next poll.</summary>
    public void CompleteInNextPoll(Action completion) => CompleteAt(Clock.Now, completion);

    public override void Poll(long timeout)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);
        Timeouts.Add(timeout);
        Polling?.Invoke(timeout);
        if (!TakeWake() && timeout != 0 && !IsEventDue())
        {
            Wait(timeout);
        }

        while (IsEventDue())
        {
            _events.Dequeue()();
        }
    }

    public override void Wake()
    {
        Interlocked.Increment(ref _wakes);
        Interlocked.Exchange(ref _isWoken, 1);
        _woken.Release();
    }

    public override IoSocket CreateSocket(EventLoop loop, AddressFamily addressFamily, SocketType socketType, ProtocolType protocolType) =>
        throw new NotSupportedException("There is no network here.");

    protected override void Dispose(bool disposing)
    {
        IsDisposed = true;
    }

    private void Wait(long timeout)
    {
        var limit = timeout < 0 ? long.MaxValue : Clock.Now + timeout;
        if (_events.TryPeek(out _, out var next) && next.When <= limit)
        {
            VirtualClock.Advance(next.When - Clock.Now);
        }
        else if (timeout > 0)
        {
            VirtualClock.Advance(timeout);
        }
        else
        {
            Waiting?.Invoke();
            while (!TakeWake())
            {
                if (!_woken.Wait(DeadlockGuard))
                {
                    throw new DeadlockException(
                        $"The loop waits without a timer and without an operation, and no other thread woke it within {DeadlockGuard.TotalSeconds} s.");
                }
            }
        }
    }

    private bool IsEventDue() => _events.TryPeek(out _, out var next) && next.When <= Clock.Now;

    private bool TakeWake() => Interlocked.Exchange(ref _isWoken, 0) != 0;
}

/// <summary>A loop in a test waits for something that can never come.</summary>
public sealed class DeadlockException(string message) : Exception(message);

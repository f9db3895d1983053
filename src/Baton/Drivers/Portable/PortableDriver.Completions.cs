using System.Diagnostics.CodeAnalysis;

namespace Baton.Drivers;

// Where the threads of the BCL and the loop meet: one lock-free list, pushed by anybody and taken whole by the loop, and a monitor on which
// the loop waits. The order matters: the loop says that it waits and then looks at the list; others push and then look whether the loop
// waits. Both pass a full fence in between, so at least one of them sees the other.
public partial class PortableDriver
{
    private static readonly IPortableCompletion ClosedQueue = new ClosedMarker();

    private readonly object _gate = new();
    private IPortableCompletion? _arrived;
    private int _isWaiting;
    private int _isWakePending;
    private long _wakes;

    private bool HasArrived => Volatile.Read(ref _arrived) is not null || Volatile.Read(ref _isWakePending) != 0;

    /// <inheritdoc/>
    public override void Poll(long timeout)
    {
        PollCount++;
        if (_toRearm.Count > 0)
        {
            Rearm();
        }

        if (_waitingForRoom.Count > 0)
        {
            timeout = LimitToNextLook(timeout);
        }

        if (timeout != 0 && !HasArrived)
        {
            Counters.Waits++;
            Wait(timeout);
        }

        // Before the loop looks at its inbox, and with a fence: whoever posts after that look has to wake again.
        if (Volatile.Read(ref _isWakePending) != 0)
        {
            Interlocked.Exchange(ref _isWakePending, 0);
        }

        Drain();
        if (_waitingForRoom.Count > 0)
        {
            LookForRoom();
        }
    }

    /// <inheritdoc/>
    public override void Wake()
    {
        if (Interlocked.Exchange(ref _isWakePending, 1) == 0)
        {
            Interlocked.Increment(ref _wakes);
            Signal();
        }
    }

    /// <summary>
    /// Waits until something completes, <see cref="Wake"/> is called, or the time is over: in whole milliseconds, rounded up. Called by
    /// <see cref="Poll"/> where there is nothing to do yet. A driver in virtual time overrides it, to move its clock where no completion is
    /// due (<see cref="IsCompletionDue"/>).
    /// </summary>
    /// <param name="timeout">Nanoseconds, not 0; a negative value waits without limit.</param>
    [SuppressMessage("Reliability", "CA2002", Justification = "The object is private.")]
    protected virtual void Wait(long timeout)
    {
        var clock = LoopClock.System;
        var deadline = timeout < 0 ? 0 : clock.Now + timeout;
        lock (_gate)
        {
            Interlocked.Exchange(ref _isWaiting, 1);
            while (!HasArrived)
            {
                if (timeout < 0)
                {
                    Monitor.Wait(_gate);
                    continue;
                }

                // Rounded up, so that a timer that is due in less than a millisecond does not make the loop spin until then.
                var left = deadline - clock.Now;
                if (left <= 0)
                {
                    break;
                }

                Monitor.Wait(_gate, (int)Math.Min((left + 999_999) / 1_000_000, int.MaxValue));
            }

            Volatile.Write(ref _isWaiting, 0);
        }
    }

    /// <summary>Hands something to the loop thread, from any thread.</summary>
    internal void Post(IPortableCompletion completion)
    {
        var head = Volatile.Read(ref _arrived);
        while (true)
        {
            if (ReferenceEquals(head, ClosedQueue))
            {
                completion.Abandon();
                return;
            }

            completion.Next = head;
            var seen = Interlocked.CompareExchange(ref _arrived, completion, head);
            if (ReferenceEquals(seen, head))
            {
                Signal();
                return;
            }

            head = seen;
        }
    }

    /// <summary>Ends the loop's wait, once for each time that it waits.</summary>
    private void Signal()
    {
        if (Volatile.Read(ref _isWaiting) != 0 && Interlocked.Exchange(ref _isWaiting, 0) != 0)
        {
            lock (_gate)
            {
                Monitor.Pulse(_gate);
            }
        }
    }

    private long LimitToNextLook(long timeout)
    {
        var next = long.MaxValue;
        foreach (var socket in _waitingForRoom)
        {
            next = Math.Min(next, socket.NextLook);
        }

        var left = Math.Max(0, next - LoopClock.System.Now);
        return timeout < 0 ? left : Math.Min(timeout, left);
    }

    private void LookForRoom()
    {
        var now = LoopClock.System.Now;
        for (var i = _waitingForRoom.Count - 1; i >= 0; i--)
        {
            var socket = _waitingForRoom[i];
            if (socket.NextLook <= now && socket.TryEndWaitForRoom())
            {
                // Finishing it may have begun the next wait, which is at the end of the list or has found the socket in it.
                if (!socket.IsWaitingForRoom)
                {
                    _waitingForRoom.Remove(socket);
                }
            }
        }
    }

    private void Drain()
    {
        if (Volatile.Read(ref _arrived) is null || _isDisposed)
        {
            return;
        }

        // The list is last in, first out: turn it round.
        var completion = Interlocked.Exchange(ref _arrived, null);
        IPortableCompletion? ordered = null;
        while (completion is not null)
        {
            var next = completion.Next;
            completion.Next = ordered;
            ordered = completion;
            completion = next;
        }

        while (ordered is not null)
        {
            var next = ordered.Next;
            ordered.Next = null;
            Counters.Events++;
            _waitsInFlight--;
            ordered.Deliver();
            ordered = next;
        }
    }

    private void CloseQueue()
    {
        var completion = Interlocked.Exchange(ref _arrived, ClosedQueue);
        while (completion is not null && !ReferenceEquals(completion, ClosedQueue))
        {
            var next = completion.Next;
            completion.Next = null;
            completion.Abandon();
            completion = next;
        }
    }

    private sealed class ClosedMarker : IPortableCompletion
    {
        public IPortableCompletion? Next { get; set; }

        public void Deliver()
        {
        }

        public void Abandon()
        {
        }
    }
}

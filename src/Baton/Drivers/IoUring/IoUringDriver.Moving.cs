namespace Baton.Drivers;

// A loop may run on one thread after the other. A ring may not, and what a thread has put in it ends with the thread.
public sealed unsafe partial class IoUringDriver
{
    // What the kernel may still write into, of rings that another thread had to itself: when it is done nobody can know, so that it stays
    // for good.
    private static readonly List<object> s_abandoned = [];

    /// <summary>Makes a ring of this thread, and puts everything in it that waits.</summary>
    private void MoveToThisThread()
    {
        // What it has posted is still to be had.
        var old = _ring;
        Dispatch();
        if (Ring.TryCreate(Calls, out var ring) is < 0 and var error)
        {
            throw SocketFailure.Create(Errno.ToSocketError(error), "Creating a ring for the loop's new thread");
        }

        old.Close();
        Dispatch();
        old.Dispose();
        Abandon(_buffers);
        AbandonFiles();
        _ring = ring!;
        _buffers = null;
        _inFlight = 0;
        _isWakeArmed = false;
        _rearmedWatches.Clear();
        for (var i = 0; i < UsedSlots; i++)
        {
            ref var slot = ref Slots[i];
            if (slot.Socket is IoUringSocket socket)
            {
                socket.OnRingLost();
            }
            else if (slot.Watch is not null)
            {
                _rearmedWatches.Add((i, slot.Generation));
            }
        }
    }

    private static void Abandon(object? what)
    {
        if (what is null)
        {
            return;
        }

        lock (s_abandoned)
        {
            s_abandoned.Add(what);
        }
    }
}

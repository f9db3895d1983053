namespace Baton.Drivers;

// Descriptors that are not the driver's. Level-triggered: one that was ready is asked again by the next poll, and tells at once if it still
// is.
public sealed unsafe partial class IoUringDriver
{
    private const uint Failing = EpollEvents.Error | EpollEvents.HangUp;

    private readonly List<(int Slot, uint Generation)> _rearmedWatches = [];

    /// <inheritdoc/>
    public override void Watch(IoWatch watch, IoReadiness interest)
    {
        ArgumentNullException.ThrowIfNull(watch);
        if (IsDisposed)
        {
            watch.DriverData = -1;
            watch.Interest = IoReadiness.None;
            ObjectDisposedException.ThrowIf(interest != IoReadiness.None, this);
            return;
        }

        if (interest == IoReadiness.None)
        {
            EndWatch(watch);
            return;
        }

        CheckNotOurs(watch.Descriptor);
        if (watch.DriverData < 0)
        {
            CheckCanWatch(watch.Descriptor);
            watch.DriverData = TakeSlot();
            Slots[watch.DriverData].Watch = watch;
            RegisteredCount++;
        }
        else
        {
            // Whatever the entry that is in flight reports, it reports to a generation that is over.
            PushCancel(DataOf(watch.DriverData) | KindWatch);
            NextGeneration(ref Slots[watch.DriverData]);
        }

        watch.Interest = interest;
        _rearmedWatches.Add((watch.DriverData, Slots[watch.DriverData].Generation));
    }

    private void RearmWatches()
    {
        foreach (var (index, generation) in _rearmedWatches)
        {
            ref var slot = ref Slots[index];
            if (slot.Generation != generation || slot.Watch is not { } watch)
            {
                continue;
            }

            Push(new RingEntry
            {
                Operation = RingOperation.PollAdd,
                Descriptor = watch.Descriptor,
                OperationFlags = EventsOf(watch.Interest),
                Data = DataOf(index) | KindWatch,
            });
        }

        _rearmedWatches.Clear();
    }

    private static uint EventsOf(IoReadiness interest) =>
        ((interest & IoReadiness.Readable) != 0 ? EpollEvents.In | EpollEvents.ReadHangUp | EpollEvents.Priority : 0)
        | ((interest & IoReadiness.Writable) != 0 ? EpollEvents.Out : 0);

    private void EndWatch(IoWatch watch)
    {
        if (watch.DriverData < 0)
        {
            return;
        }

        // At once: the descriptor may be closed next, and the kernel holds its open file.
        PushCancel(DataOf(watch.DriverData) | KindWatch);
        FreeSlot(watch.DriverData);
        watch.DriverData = -1;
        watch.Interest = IoReadiness.None;
        RegisteredCount--;
        if (!_ring.IsForeign)
        {
            Enter(0, 0);
        }
    }

    private void OnWatch(uint index, uint generation, int result)
    {
        if (index >= (uint)Slots.Length || Slots[index].Generation != generation || Slots[index].Watch is not { } watch)
        {
            return;
        }

        if (result == -Errno.EBADF)
        {
            // It was closed behind our back, which ends its watch.
            return;
        }

        _rearmedWatches.Add(((int)index, generation));
        if (result < 0)
        {
            return;
        }

        const uint Readable = EpollEvents.In | EpollEvents.ReadHangUp | EpollEvents.Priority | Failing;
        const uint Writable = EpollEvents.Out | Failing;
        var readiness = (((uint)result & Readable) != 0 ? IoReadiness.Readable : IoReadiness.None)
            | (((uint)result & Writable) != 0 ? IoReadiness.Writable : IoReadiness.None);
        readiness &= watch.Interest;
        if (readiness != IoReadiness.None)
        {
            watch.OnReady(readiness);
        }
    }

    private void CheckCanWatch(int descriptor)
    {
        foreach (ref readonly var slot in Slots.AsSpan(0, UsedSlots))
        {
            if (slot.Watch is { } watch && watch.Descriptor == descriptor)
            {
                ThrowCannotWatch(descriptor, -Errno.EEXIST);
            }
        }

        Counters.Others++;
        var kind = Calls.GetFileKind(descriptor, out _);
        if (kind is not ((int)LinuxFileKind.Pipe or (int)LinuxFileKind.Socket or (int)LinuxFileKind.Terminal))
        {
            // A ring polls everything, and what cannot be waited for is always ready. Epoll knows what that is.
            CheckCanWait(descriptor);
        }
    }

    private void CheckCanWait(int descriptor)
    {
        Counters.Others += 3;
        var epoll = Check(Calls.EpollCreate(), $"Watching descriptor {descriptor}");
        var result = Calls.EpollAdd(epoll, descriptor, EpollEvents.In, 0);
        Calls.Close(epoll);
        if (result < 0)
        {
            ThrowCannotWatch(descriptor, result);
        }
    }
}

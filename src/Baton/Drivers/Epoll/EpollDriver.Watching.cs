namespace Baton.Drivers;

// Descriptors that are not the driver's. Unlike its own they are level-triggered: who reads from them is code that does not know of edges.
public sealed unsafe partial class EpollDriver
{
    private const uint Failing = EpollEvents.Error | EpollEvents.HangUp;

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
        var isNew = watch.DriverData < 0;
        if (isNew)
        {
            watch.DriverData = TakeSlot();
            Slots[watch.DriverData].Watch = watch;
            RegisteredCount++;
        }

        var result = Register(watch, interest, isNew);
        if (result < 0)
        {
            if (isNew)
            {
                ForgetWatch(watch);
            }

            ThrowCannotWatch(watch.Descriptor, result);
        }

        watch.Interest = interest;
    }

    private int Register(IoWatch watch, IoReadiness interest, bool isNew)
    {
        var events = ((interest & IoReadiness.Readable) != 0 ? EpollEvents.In | EpollEvents.ReadHangUp | EpollEvents.Priority : 0)
            | ((interest & IoReadiness.Writable) != 0 ? EpollEvents.Out : 0);
        var data = DataOf(watch.DriverData);
        Counters.Registrations++;
        if (!isNew)
        {
            var result = Calls.EpollModify(_epoll, watch.Descriptor, events, data);
            if (result != -Errno.ENOENT)
            {
                return result;
            }

            // The descriptor was closed behind our back, which ended its watch, and the number is in use again. If somebody else still has
            // the old file open, so has epoll, and goes on to tell of it: under the number of a generation that is over.
            NextGeneration(ref Slots[watch.DriverData]);
            data = DataOf(watch.DriverData);
            Counters.Registrations++;
        }

        return Calls.EpollAdd(_epoll, watch.Descriptor, events, data);
    }

    private void EndWatch(IoWatch watch)
    {
        if (watch.DriverData < 0)
        {
            return;
        }

        // The system refuses where the descriptor is closed by now, and with it the watch has ended already.
        if (!IsOwn(watch.Descriptor))
        {
            Counters.Registrations++;
            Calls.EpollRemove(_epoll, watch.Descriptor);
        }

        ForgetWatch(watch);
    }

    private void ForgetWatch(IoWatch watch)
    {
        FreeSlot(watch.DriverData);
        watch.DriverData = -1;
        watch.Interest = IoReadiness.None;
        RegisteredCount--;
    }

    private void TellWatch(uint index, uint generation, uint flags)
    {
        if (index >= (uint)Slots.Length || Slots[index].Watch is not { } watch || Slots[index].Generation != generation)
        {
            return;
        }

        const uint Readable = EpollEvents.In | EpollEvents.ReadHangUp | EpollEvents.Priority | Failing;
        const uint Writable = EpollEvents.Out | Failing;
        var readiness = ((flags & Readable) != 0 ? IoReadiness.Readable : IoReadiness.None)
            | ((flags & Writable) != 0 ? IoReadiness.Writable : IoReadiness.None);
        readiness &= watch.Interest;
        if (readiness != IoReadiness.None)
        {
            watch.OnReady(readiness);
        }
    }
}

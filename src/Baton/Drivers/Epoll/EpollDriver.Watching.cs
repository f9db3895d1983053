using System.Diagnostics.CodeAnalysis;

namespace Baton.Drivers;

// Descriptors that are not the driver's. Unlike its own they are level-triggered: who reads from them is code that does not know of edges.
public sealed unsafe partial class EpollDriver
{
    private const uint Failing = EpollEvents.Error | EpollEvents.HangUp;

    // A bit for each descriptor of a socket of ours. Where one was closed behind the back of its watch, the number may be ours by now, and
    // its registration with it.
    private ulong[] _own = new ulong[4];

    /// <inheritdoc/>
    public override void Watch(IoWatch watch, IoReadiness interest)
    {
        ArgumentNullException.ThrowIfNull(watch);
        if (_isDisposed)
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
            _slots[watch.DriverData].Watch = watch;
            _registeredSockets++;
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
            var result = _calls.EpollModify(_epoll, watch.Descriptor, events, data);
            if (result != -Errno.ENOENT)
            {
                return result;
            }

            // The descriptor was closed behind our back, which ended its watch, and the number is in use again. If somebody else still has
            // the old file open, so has epoll, and goes on to tell of it: under the number of a generation that is over.
            NextGeneration(ref _slots[watch.DriverData]);
            data = DataOf(watch.DriverData);
            Counters.Registrations++;
        }

        return _calls.EpollAdd(_epoll, watch.Descriptor, events, data);
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
            _calls.EpollRemove(_epoll, watch.Descriptor);
        }

        ForgetWatch(watch);
    }

    private void ForgetWatch(IoWatch watch)
    {
        FreeSlot(watch.DriverData);
        watch.DriverData = -1;
        watch.Interest = IoReadiness.None;
        _registeredSockets--;
    }

    private void TellWatch(uint index, uint generation, uint flags)
    {
        if (index >= (uint)_slots.Length || _slots[index].Watch is not { } watch || _slots[index].Generation != generation)
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

    private bool IsOwn(int descriptor) =>
        descriptor >= 0 && descriptor >> 6 < _own.Length && (_own[descriptor >> 6] & (1UL << descriptor)) != 0;

    private void NoteOwn(int descriptor, bool isOwn = true)
    {
        var index = descriptor >> 6;
        if (index >= _own.Length)
        {
            Array.Resize(ref _own, Math.Max(index + 1, _own.Length * 2));
        }

        _own[index] = isOwn ? _own[index] | (1UL << descriptor) : _own[index] & ~(1UL << descriptor);
    }

    private void CheckNotOurs(int descriptor)
    {
        if (IsOwn(descriptor))
        {
            throw new InvalidOperationException(
                $"Descriptor {descriptor} belongs to a connection or socket of this loop, which watches it already. Use that, or detach " +
                "it first.");
        }
    }

    [DoesNotReturn]
    private static void ThrowCannotWatch(int descriptor, int result) => throw (result switch
    {
        -Errno.EPERM => new ArgumentException(
            $"Descriptor {descriptor} cannot be watched: it stands for a regular file, a directory, or a device such as /dev/null, which " +
            "are always ready."),
        -Errno.EBADF => new ArgumentException($"Descriptor {descriptor} is not open."),
        -Errno.EEXIST => new InvalidOperationException($"Descriptor {descriptor} is watched already."),
        _ => (Exception)SocketFailure.Create(Errno.ToSocketError(result), $"Watching descriptor {descriptor}"),
    });
}

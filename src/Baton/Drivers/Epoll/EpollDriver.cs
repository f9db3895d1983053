using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Baton.Drivers;

/// <summary>
/// Linux's epoll, edge-triggered. Completion is emulated: an operation is tried first and waits for readiness only when it would block.
/// </summary>
/// <remarks>
/// <para>Invariants. A descriptor is registered at most once, when it first has to wait, for reading and writing at once, and leaves epoll
/// when it is closed; a connection that never waits costs no registration. Since edges are reported once, each socket remembers for each
/// direction whether a call may succeed; only a call that would have blocked, or a receive that got less than it asked for, forgets it.</para>
/// </remarks>
public sealed unsafe partial class EpollDriver : LinuxDriver
{
    private const int InitialEvents = 64;
    private const int MaximumEvents = 1024;
    private const ulong WakeData = ulong.MaxValue;

    private readonly int _epoll;
    private byte* _events;
    private int _eventCapacity;

    /// <summary>Creates a driver on the system as it is.</summary>
    public EpollDriver()
        : this(new LinuxSocketCalls())
    {
    }

    /// <summary>Creates a driver on system calls of one's own, to inject faults.</summary>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    /// <exception cref="SocketException">The system refused, for one because the process has too many descriptors.</exception>
    public EpollDriver(LinuxSocketCalls calls)
        : base(calls)
    {
        _epoll = calls.EpollCreate();
        var result = _epoll < 0 ? _epoll : calls.EpollAdd(_epoll, WakeDescriptor, EpollEvents.In | EpollEvents.EdgeTriggered, WakeData);
        if (result < 0)
        {
            if (_epoll >= 0)
            {
                calls.Close(_epoll);
            }

            CloseWake();
            throw SocketFailure.Create(Errno.ToSocketError(result), _epoll < 0 ? "Creating an epoll instance" : "Creating the wake-up of an event loop");
        }

        _eventCapacity = InitialEvents;
        _events = (byte*)NativeMemory.Alloc((nuint)_eventCapacity, (nuint)EpollEvents.Size);
    }

    /// <summary>Whether this platform has epoll.</summary>
    [SupportedOSPlatformGuard("linux")]
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <inheritdoc/>
    public override string Name => "epoll";

    /// <inheritdoc/>
    public override void Poll(long timeout)
    {
        PollCount++;
        if (timeout == 0 && RegisteredCount == 0 && !IsWakePending)
        {
            // Nobody waits for a descriptor: there is nothing to ask the kernel for.
            return;
        }

        Counters.Waits++;
        var count = Calls.EpollWait(_epoll, (nint)_events, _eventCapacity, timeout);
        EndWake();
        if (count < 0)
        {
            // A signal interrupted the wait: to the loop that is a wait that ended early.
            if (count != -Errno.EINTR)
            {
                throw SocketFailure.Create(Errno.ToSocketError(count), "Waiting for events");
            }

            return;
        }

        Counters.Events += count;
        for (var i = 0; i < count; i++)
        {
            EpollEvents.Read(_events, i, out var flags, out var data);
            var index = (uint)data;
            var slots = Slots;
            if (index < (uint)slots.Length && slots[index].Socket is { } socket && slots[index].Generation == (uint)(data >> 32))
            {
                socket.OnEvents(flags);
            }
            else
            {
                TellWatch(index, (uint)(data >> 32), flags);
            }
        }

        if (count == _eventCapacity && count < MaximumEvents)
        {
            _eventCapacity *= 4;
            NativeMemory.Free(_events);
            _events = (byte*)NativeMemory.Alloc((nuint)_eventCapacity, (nuint)EpollEvents.Size);
        }
    }

    private protected override LinuxSocket CreateSocket(int descriptor, int slot, AddressFamily addressFamily, SocketType socketType) =>
        new(this, descriptor, slot, addressFamily, socketType);

    internal override int Register(LinuxSocket socket, int descriptor, int slot)
    {
        Counters.Registrations++;
        var result = Calls.EpollAdd(
            _epoll,
            descriptor,
            EpollEvents.In | EpollEvents.Out | EpollEvents.ReadHangUp | EpollEvents.Priority | EpollEvents.EdgeTriggered,
            DataOf(slot));
        if (result >= 0)
        {
            RegisteredCount++;
        }

        return result;
    }

    internal override SafeSocketHandle Detach(LinuxSocket socket, int descriptor, int slot, bool isRegistered)
    {
        if (isRegistered)
        {
            Counters.Registrations++;
            Calls.EpollRemove(_epoll, descriptor);
        }

        Forget(descriptor, slot, isRegistered);
        return Calls.HandOver(descriptor);
    }

    private protected override void DisposeWaiting()
    {
        Calls.Close(_epoll);
        NativeMemory.Free(_events);
        _events = null;
    }
}

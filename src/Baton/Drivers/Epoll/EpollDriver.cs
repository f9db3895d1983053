using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

/// <summary>
/// Linux's epoll, edge-triggered. Completion is emulated: an operation is tried first and waits for readiness only when it would block.
/// </summary>
/// <remarks>
/// <para>Invariants. A descriptor is registered at most once, when it first has to wait, for reading and writing at once, and leaves epoll
/// when it is closed; a connection that never waits costs no registration. Since edges are reported once, each socket remembers for each
/// direction whether a call may succeed; only a call that would have blocked, or a receive that got less than it asked for, forgets it. An
/// event carries the slot and the generation of the slot, so that an event for a descriptor that was closed meanwhile, whose number the
/// kernel has given to another, reaches nobody.</para>
/// </remarks>
public sealed unsafe partial class EpollDriver : IoDriver
{
    private const int InitialEvents = 64;
    private const int MaximumEvents = 1024;
    private const ulong WakeData = ulong.MaxValue;

    private readonly LinuxSocketCalls _calls;
    private readonly int _epoll;
    private readonly SafeFileHandle _wake;
    private byte* _events;
    private LibC.BatchedMessage* _messages;
    private int _eventCapacity;
    private Slot[] _slots = new Slot[16];
    private int _usedSlots;
    private int _freeSlot = -1;
    private int _openSockets;
    private int _registeredSockets;
    private int _isWakePending;
    private long _wakes;
    private bool _isDisposed;

    internal IoCounters Counters;

    /// <summary>Creates a driver on the system as it is.</summary>
    public EpollDriver()
        : this(new LinuxSocketCalls())
    {
    }

    /// <summary>Creates a driver on system calls of one's own, to inject faults.</summary>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    /// <exception cref="SocketException">The system refused, for one because the process has too many descriptors.</exception>
    public EpollDriver(LinuxSocketCalls calls)
    {
        ArgumentNullException.ThrowIfNull(calls);
        if (!IsSupported)
        {
            throw new PlatformNotSupportedException("The epoll driver works on Linux only.");
        }

        _calls = calls;
        _epoll = Check(calls.EpollCreate(), "Creating an epoll instance");
        var wake = calls.EventDescriptor();
        if (wake < 0 || calls.EpollAdd(_epoll, wake, EpollEvents.In | EpollEvents.EdgeTriggered, WakeData) is < 0 and var _)
        {
            calls.Close(_epoll);
            if (wake >= 0)
            {
                calls.Close(wake);
            }

            throw SocketFailure.Create(
                wake < 0 ? Errno.ToSocketError(wake) : SocketError.NoBufferSpaceAvailable, "Creating the wake-up of an event loop");
        }

        // A handle, because another thread may be about to wake the loop while the loop closes: its write must not reach whoever gets the
        // number next.
        _wake = new SafeFileHandle(wake, ownsHandle: true);
        _eventCapacity = InitialEvents;
        _events = (byte*)NativeMemory.Alloc((nuint)_eventCapacity, (nuint)EpollEvents.Size);
    }

    /// <summary>Whether this platform has epoll.</summary>
    [SupportedOSPlatformGuard("linux")]
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <inheritdoc/>
    public override string Name => "epoll";

    /// <inheritdoc/>
    public override int OpenSocketCount => _openSockets;

    /// <inheritdoc/>
    public override IoStatistics Statistics => Counters.ToStatistics(Interlocked.Read(ref _wakes));

    internal LinuxSocketCalls Calls => _calls;

    /// <summary>Headers for one call of a batch, made for the first of them.</summary>
    internal LibC.BatchedMessage* Messages =>
        _messages is not null ? _messages : _messages = (LibC.BatchedMessage*)NativeMemory.AllocZeroed(
            LinuxSocketCalls.MaximumBatch, (nuint)(sizeof(LibC.BatchedMessage) + sizeof(LibC.IoVector)));

    internal LibC.IoVector* Vectors => (LibC.IoVector*)(Messages + LinuxSocketCalls.MaximumBatch);

    /// <inheritdoc/>
    public override void Poll(long timeout)
    {
        PollCount++;
        if (timeout == 0 && _registeredSockets == 0 && Volatile.Read(ref _isWakePending) == 0)
        {
            // Nobody waits for a descriptor: there is nothing to ask the kernel for.
            return;
        }

        Counters.Waits++;
        var count = _calls.EpollWait(_epoll, (nint)_events, _eventCapacity, timeout);

        // Before the loop looks at its inbox, and with a fence: whoever posts after that look has to write again.
        if (Volatile.Read(ref _isWakePending) != 0)
        {
            Interlocked.Exchange(ref _isWakePending, 0);
        }

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
            var slots = _slots;
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

    /// <inheritdoc/>
    public override void Wake()
    {
        if (Interlocked.Exchange(ref _isWakePending, 1) != 0)
        {
            return;
        }

        var isAdded = false;
        try
        {
            _wake.DangerousAddRef(ref isAdded);
            Interlocked.Increment(ref _wakes);

            // Watched for edges, so that it never has to be read: every write is one.
            while (_calls.Signal((int)_wake.DangerousGetHandle()) == -Errno.EINTR)
            {
            }
        }
        catch (ObjectDisposedException)
        {
            // The loop has closed; there is nothing left to wake.
        }
        finally
        {
            if (isAdded)
            {
                _wake.DangerousRelease();
            }
        }
    }

    /// <inheritdoc/>
    public override IoSocket CreateSocket(EventLoop loop, AddressFamily addressFamily, SocketType socketType, ProtocolType protocolType)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        Counters.Others++;
        var descriptor = Check(
            _calls.Socket(
                LinuxSocketNumbers.Family(addressFamily), LinuxSocketNumbers.Type(socketType), LinuxSocketNumbers.Protocol(protocolType)),
            "Creating a socket");
        return Add(descriptor, addressFamily, socketType);
    }

    internal EpollSocket Add(int descriptor, AddressFamily addressFamily, SocketType socketType)
    {
        var index = TakeSlot();
        return Add(new EpollSocket(this, descriptor, index, addressFamily, socketType), index);
    }

    private EpollSocket Add(int descriptor, EpollFile file)
    {
        var index = TakeSlot();
        var socket = new EpollSocket(this, descriptor, index, AddressFamily.Unspecified, SocketType.Stream);
        socket.BecomeFile(file);
        return Add(socket, index);
    }

    private EpollSocket Add(EpollSocket socket, int index)
    {
        _slots[index].Socket = socket;
        _openSockets++;
        NoteOwn((int)socket.Handle);
        return socket;
    }

    private int TakeSlot()
    {
        var index = _freeSlot;
        if (index >= 0)
        {
            _freeSlot = _slots[index].NextFree;
        }
        else
        {
            index = _usedSlots++;
            if (index == _slots.Length)
            {
                Array.Resize(ref _slots, index * 2);
            }
        }

        return index;
    }

    private ulong DataOf(int slot) => (uint)slot | ((ulong)_slots[slot].Generation << 32);

    /// <summary>Registers a descriptor, for good.</summary>
    internal int Register(int descriptor, int slot)
    {
        Counters.Registrations++;
        var result = _calls.EpollAdd(
            _epoll,
            descriptor,
            EpollEvents.In | EpollEvents.Out | EpollEvents.ReadHangUp | EpollEvents.Priority | EpollEvents.EdgeTriggered,
            DataOf(slot));
        if (result >= 0)
        {
            _registeredSockets++;
        }

        return result;
    }

    /// <summary>Closes a descriptor, which ends its registration, and frees its slot.</summary>
    internal void Remove(int descriptor, int slot, bool isRegistered)
    {
        Forget(descriptor, slot, isRegistered);
        Counters.Others++;
        _calls.Close(descriptor);
    }

    private void Forget(int descriptor, int slot, bool isRegistered)
    {
        NoteOwn(descriptor, isOwn: false);
        FreeSlot(slot);
        _registeredSockets -= isRegistered ? 1 : 0;
        _openSockets--;
    }

    private void FreeSlot(int slot)
    {
        ref var entry = ref _slots[slot];
        entry.Socket = null;
        entry.Watch = null;
        NextGeneration(ref entry);
        entry.NextFree = _freeSlot;
        _freeSlot = slot;
    }

    // One generation short of all: slot and generation together never look like the wake-up.
    private static void NextGeneration(ref Slot entry) =>
        entry.Generation = entry.Generation == uint.MaxValue - 1 ? 0 : entry.Generation + 1;

    internal static int Check(int result, string operation)
    {
        if (result < 0)
        {
            ThrowFailure(result, operation);
        }

        return result;
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        for (var i = 0; i < _usedSlots; i++)
        {
            _slots[i].Socket?.Dispose();
        }

        _wake.Dispose();
        _calls.Close(_epoll);
        NativeMemory.Free(_events);
        _events = null;
        NativeMemory.Free(_messages);
        _messages = null;
    }

    [DoesNotReturn]
    private static void ThrowFailure(int result, string operation) => throw SocketFailure.Create(Errno.ToSocketError(result), operation);

    private struct Slot
    {
        public EpollSocket? Socket;
        public IoWatch? Watch;
        public uint Generation;
        public int NextFree;
    }
}

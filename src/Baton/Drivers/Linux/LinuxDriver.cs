using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

/// <summary>
/// What the drivers of Linux share: descriptors in slots, the system calls that are made at once, and the wake-up. A descriptor of which
/// nothing can be had at once waits for its readiness; how, is up to each driver.
/// </summary>
/// <remarks>
/// A readiness that is reported carries the slot and the generation of the slot, so that one for a descriptor that was closed meanwhile,
/// whose number the kernel has given to another, reaches nobody.
/// </remarks>
public abstract unsafe partial class LinuxDriver : IoDriver
{
    private readonly LinuxSocketCalls _calls;
    private readonly SafeFileHandle _wake;
    private LibC.BatchedMessage* _messages;
    private Slot[] _slots = new Slot[16];
    private int _usedSlots;
    private int _freeSlot = -1;
    private int _openSockets;
    private int _registeredSockets;
    private int _isWakePending;
    private long _wakes;
    private bool _isDisposed;

    internal IoCounters Counters;

    private protected LinuxDriver(LinuxSocketCalls calls)
    {
        ArgumentNullException.ThrowIfNull(calls);
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("The driver works on Linux only.");
        }

        _calls = calls;

        // A handle, because another thread may be about to wake the loop while the loop closes: its write must not reach whoever gets the
        // number next.
        _wake = new SafeFileHandle(Check(calls.EventDescriptor(), "Creating the wake-up of an event loop"), ownsHandle: true);
    }

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

    private protected int WakeDescriptor => (int)_wake.DangerousGetHandle();

    /// <summary>For a constructor that fails.</summary>
    private protected void CloseWake() => _wake.Dispose();

    private protected bool IsWakePending => Volatile.Read(ref _isWakePending) != 0;

    private protected bool IsDisposed => _isDisposed;

    private protected Slot[] Slots => _slots;

    private protected int UsedSlots => _usedSlots;

    /// <summary>Descriptors that something waits for, watched ones included.</summary>
    private protected int RegisteredCount
    {
        get => _registeredSockets;
        set => _registeredSockets = value;
    }

    /// <summary>
    /// After a wait, and before the loop looks at its inbox, with a fence: whoever posts after that look has to write again.
    /// </summary>
    private protected void EndWake()
    {
        if (Volatile.Read(ref _isWakePending) != 0)
        {
            Interlocked.Exchange(ref _isWakePending, 0);
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

    internal LinuxSocket Add(int descriptor, AddressFamily addressFamily, SocketType socketType)
    {
        var index = TakeSlot();
        var socket = CreateSocket(descriptor, index, addressFamily, socketType);
        _slots[index].Socket = socket;
        _openSockets++;
        NoteOwn(descriptor);
        return socket;
    }

    private LinuxSocket Add(int descriptor, LinuxFile file)
    {
        var socket = Add(descriptor, AddressFamily.Unspecified, SocketType.Stream);
        socket.BecomeFile(file);
        return socket;
    }

    private protected abstract LinuxSocket CreateSocket(int descriptor, int slot, AddressFamily addressFamily, SocketType socketType);

    private protected int TakeSlot()
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

    private protected ulong DataOf(int slot) => (uint)slot | ((ulong)_slots[slot].Generation << 32);

    /// <summary>Has a socket told of its readiness from now on, in both directions, whenever that changes: for good.</summary>
    internal abstract int Register(LinuxSocket socket, int descriptor, int slot);

    /// <summary>Closes a descriptor, which ends its registration, and frees its slot.</summary>
    internal virtual void Remove(LinuxSocket socket, int descriptor, int slot, bool isRegistered)
    {
        Forget(descriptor, slot, isRegistered);
        Counters.Others++;
        _calls.Close(descriptor);
    }

    /// <summary>Frees a socket's slot and hands its descriptor out.</summary>
    internal abstract SafeSocketHandle Detach(LinuxSocket socket, int descriptor, int slot, bool isRegistered);

    private protected void Forget(int descriptor, int slot, bool isRegistered)
    {
        NoteOwn(descriptor, isOwn: false);
        FreeSlot(slot);
        _registeredSockets -= isRegistered ? 1 : 0;
        _openSockets--;
    }

    private protected void FreeSlot(int slot)
    {
        ref var entry = ref _slots[slot];
        entry.Socket = null;
        entry.Watch = null;
        NextGeneration(ref entry);
        entry.NextFree = _freeSlot;
        _freeSlot = slot;
    }

    // One generation short of all: slot and generation together never look like the wake-up.
    private protected static void NextGeneration(ref Slot entry) =>
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
        DisposeSockets();
        DisposeWaiting();
        _wake.Dispose();
        NativeMemory.Free(_messages);
        _messages = null;
    }

    /// <summary>Closes the sockets that are left.</summary>
    private protected virtual void DisposeSockets()
    {
        for (var i = 0; i < _usedSlots; i++)
        {
            _slots[i].Socket?.Dispose();
        }
    }

    /// <summary>Releases what the driver waits by. The sockets are closed.</summary>
    private protected abstract void DisposeWaiting();

    [DoesNotReturn]
    private static void ThrowFailure(int result, string operation) => throw SocketFailure.Create(Errno.ToSocketError(result), operation);

    private protected struct Slot
    {
        public LinuxSocket? Socket;
        public IoWatch? Watch;
        public uint Generation;
        public int NextFree;
    }
}

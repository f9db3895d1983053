using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>
/// Linux's io_uring. What can be done at once is done by a call of its own; what cannot waits in the ring: connections receive there into
/// blocks that are provided for all of them, everything else is told of its readiness. One call an iteration submits all that and waits.
/// </summary>
/// <remarks>
/// <para>Invariants. A socket has at most one entry of each kind in flight, which reports time after time until the kernel says that it was
/// the last. A completion carries the slot, the slot's generation and the kind of its entry, so that one for a socket that was closed
/// meanwhile reaches nobody; the block that it may carry goes back. The kernel holds the open file of an entry: whatever is in flight is
/// cancelled before its descriptor is closed, and by one more call, because the peer is to see the close at once. Provided blocks belong to
/// the kernel until a completion names them, or the ring has nothing more in flight.</para>
/// <para><see cref="IoDriver.Statistics"/> counts calls: as <see cref="IoStatistics.Waits"/> each <c>io_uring_enter</c>, as
/// <see cref="IoStatistics.Registrations"/> each <c>io_uring_register</c>. Entries are no calls. Completions are
/// <see cref="IoStatistics.Events"/>, but for those of what was cancelled.</para>
/// </remarks>
public sealed unsafe partial class IoUringDriver : LinuxDriver
{
    // The kinds of entries, in the bits of a slot's number that no slot has.
    private const int KindShift = 24;
    private const uint SlotMask = (1u << KindShift) - 1;
    private const uint KindReadiness = 0;
    private const uint KindRoom = 1u << KindShift;
    private const uint KindReceive = 2u << KindShift;
    private const uint KindWatch = 3u << KindShift;
    private const uint KindCancel = 4u << KindShift;
    private const uint KindWake = 5u << KindShift;
    private const uint KindFile = 6u << KindShift;

    // What is left in a ring that closes ends at once, all of it being cancelled; this is for a kernel that disagrees.
    private const int ClosingRounds = 1000;

    private readonly ulong _operations;
    private Ring _ring;
    private RingBuffers? _buffers;
    private bool _mayReceiveAhead;
    private bool _isWakeArmed;
    private bool _isClosing;
    private int _inFlight;

    /// <summary>Creates a driver on the system as it is.</summary>
    /// <exception cref="PlatformNotSupportedException"><see cref="IsSupported"/> says no, and why.</exception>
    /// <exception cref="SocketException">The system refused, for one because the process has too many descriptors.</exception>
    public IoUringDriver()
        : this(new LinuxSocketCalls())
    {
    }

    /// <summary>Creates a driver on system calls of one's own, to inject faults.</summary>
    /// <inheritdoc cref="IoUringDriver()" path="/exception"/>
    public IoUringDriver(LinuxSocketCalls calls)
        : base(calls)
    {
        var reason = Probe(calls, out var ring, out _operations, out var error);
        if (reason is not null)
        {
            CloseWake();
            throw error is -Errno.EMFILE or -Errno.ENFILE
                ? SocketFailure.Create(Errno.ToSocketError(error), "Creating a ring")
                : new PlatformNotSupportedException($"io_uring cannot be used: {reason}.");
        }

        _ring = ring!;
        _mayReceiveAhead = true;
    }

    /// <inheritdoc/>
    public override string Name => "iouring";

    /// <inheritdoc/>
    public override void Poll(long timeout)
    {
        PollCount++;
        if (_ring.IsForeign)
        {
            MoveToThisThread();
        }

        if (!_isWakeArmed)
        {
            ArmWake();
        }

        if (_rearmedWatches.Count > 0)
        {
            RearmWatches();
        }

        if (_buffers is { IsShort: true } buffers)
        {
            buffers.Provide();
        }

        if (timeout == 0 || _ring.HasCompletions)
        {
            Look();
        }
        else
        {
            Enter(1, timeout);
        }

        EndWake();
        Dispatch();
    }

    /// <summary>Whether sockets may receive before they are asked.</summary>
    internal bool MayReceiveAhead => _mayReceiveAhead;

    /// <summary>Has the kernel post what it has, and tells of it.</summary>
    internal void Catch()
    {
        if (_ring.IsForeign)
        {
            MoveToThisThread();
        }

        Look();
        Dispatch();
    }

    private protected override LinuxSocket CreateSocket(int descriptor, int slot, AddressFamily addressFamily, SocketType socketType) =>
        new IoUringSocket(this, descriptor, slot, addressFamily, socketType);

    internal override int Register(LinuxSocket socket, int descriptor, int slot)
    {
        Push(new RingEntry
        {
            Operation = RingOperation.PollAdd,
            Descriptor = descriptor,
            Length = PollMany,
            OperationFlags = EpollEvents.In | EpollEvents.Out | EpollEvents.ReadHangUp | EpollEvents.Priority,
            Data = DataOf(slot) | KindReadiness,
        });
        return 0;
    }

    /// <summary>Has a socket told once when there is room to send.</summary>
    internal void AwaitRoom(int descriptor, int slot) => Push(new RingEntry
    {
        Operation = RingOperation.PollAdd,
        Descriptor = descriptor,
        OperationFlags = EpollEvents.Out,
        Data = DataOf(slot) | KindRoom,
    });

    /// <summary>Has the kernel receive whatever comes, until it says that it no longer does.</summary>
    internal void Receive(int descriptor, int slot, bool isDrained)
    {
        if (_buffers is null)
        {
            _buffers = RingBuffers.TryCreate(Calls, _ring, Blocks);
            Counters.Registrations++;
            if (_buffers is null)
            {
                _mayReceiveAhead = false;
                return;
            }

            _buffers.Provide();
        }

        Push(new RingEntry
        {
            Operation = RingOperation.Receive,
            Flags = SelectBuffer,
            Options = (ushort)(ReceiveMany | (isDrained ? PollFirst : 0)),
            Descriptor = descriptor,
            BufferGroup = RingBuffers.Group,
            Data = DataOf(slot) | KindReceive,
        });
    }

    /// <summary>Has the kernel stop receiving. It says so when it has.</summary>
    internal void StopReceiving(int slot) => PushCancel(DataOf(slot) | KindReceive);

    /// <summary>The kernel has found no block to receive into, and is to find more of them.</summary>
    internal void ProvideMore() => _buffers?.Grow();

    /// <summary>The kernel cannot receive time after time into blocks of its choice.</summary>
    internal void OnCannotReceiveAhead() => _mayReceiveAhead = false;

    internal override void Remove(LinuxSocket socket, int descriptor, int slot, bool isRegistered)
    {
        EndInFlight((IoUringSocket)socket, slot, isRegistered);
        base.Remove(socket, descriptor, slot, isRegistered: false);
    }

    internal override SafeSocketHandle Detach(LinuxSocket socket, int descriptor, int slot, bool isRegistered)
    {
        EndInFlight((IoUringSocket)socket, slot, isRegistered);
        Forget(descriptor, slot, isRegistered: false);
        return Calls.HandOver(descriptor);
    }

    /// <summary>Cancels what a socket that closes has in flight, at once: the kernel holds its open file as long.</summary>
    private void EndInFlight(IoUringSocket socket, int slot, bool isRegistered)
    {
        var data = DataOf(slot);
        var isInFlight = isRegistered;
        if (isRegistered)
        {
            PushCancel(data | KindReadiness);
        }

        if (socket.IsAwaitingRoom)
        {
            isInFlight = true;
            PushCancel(data | KindRoom);
        }

        if (socket.IsReceiving)
        {
            isInFlight = true;
            PushCancel(data | KindReceive);
        }

        socket.ForgetReceived();
        if (isInFlight && !_isClosing && !_ring.IsForeign)
        {
            // Where this fails, the next call tells the kernel.
            Counters.Waits++;
            _ring.Enter(0, 0);
        }
    }

    private void PushCancel(ulong data)
    {
        if (_ring.IsForeign)
        {
            // It goes with the ring.
            return;
        }

        _ring.Push(new RingEntry
        {
            Operation = RingOperation.AsyncCancel,
            Flags = (_ring.Features & RingFeatures.SkipCompletion) != 0 ? SkipSuccess : (byte)0,
            Descriptor = -1,
            Address = data,
            Data = KindCancel,
        });
    }

    private void Push(in RingEntry entry)
    {
        if (_ring.IsForeign)
        {
            MoveToThisThread();
        }

        _inFlight++;
        _ring.Push(entry);
    }

    /// <summary>Makes no call where there is nothing to tell the kernel and nothing to get from it.</summary>
    private void Look()
    {
        if (_ring.PendingCount > 0 || _ring.HasHiddenCompletions)
        {
            Enter(0, 0);
        }
    }

    private void Enter(int minimum, long timeout)
    {
        Counters.Waits++;
        var result = _ring.Enter(minimum, timeout);
        if (result < 0 && !IsEarlyEnd(result))
        {
            throw SocketFailure.Create(Errno.ToSocketError(result), "Waiting for completions");
        }
    }

    /// <summary>
    /// The time was over, a signal came, or the kernel could not take or post everything now: to the loop these are all waits that ended
    /// early.
    /// </summary>
    private static bool IsEarlyEnd(int result) => result is -Errno.ETIME or -Errno.EINTR or -Errno.EAGAIN or -Errno.EBUSY or -Errno.ENOMEM;

    /// <summary>Hands out the completions that are there now.</summary>
    private void Dispatch()
    {
        while (_ring.TryTake(out var completion))
        {
            if (completion.Result != -Errno.ECANCELED)
            {
                Counters.Events++;
            }

            var kind = (uint)completion.Data & ~SlotMask;
            if (kind == KindCancel)
            {
                // Where it failed: then what it was for has ended by itself.
                continue;
            }

            if (!completion.HasMore)
            {
                _inFlight--;
            }

            if (kind == KindWake)
            {
                _isWakeArmed = completion.HasMore;
                continue;
            }

            var index = (uint)completion.Data & SlotMask;
            var generation = (uint)(completion.Data >> 32);
            if (kind == KindFile)
            {
                OnFile(index, generation, completion.Result);
                continue;
            }

            if (kind == KindWatch)
            {
                OnWatch(index, generation, completion.Result);
                continue;
            }

            var slots = Slots;
            var socket = index < (uint)slots.Length && slots[index].Generation == generation ? slots[index].Socket as IoUringSocket : null;
            switch (kind)
            {
                case KindReadiness:
                    socket?.OnReadiness(completion.Result, completion.HasMore);
                    break;
                case KindRoom:
                    socket?.OnRoom(completion.Result);
                    break;
                case KindReceive:
                    OnReceived(socket, completion);
                    break;
            }
        }
    }

    private void OnReceived(IoUringSocket? socket, in RingCompletion completion)
    {
        var block = completion.HasBuffer ? _buffers!.Take(completion.Buffer) : null;
        if (block is not null && (socket is null || completion.Result <= 0))
        {
            Blocks.Unkeep(block);
            block = null;
        }

        socket?.OnReceived(block, completion.Result, completion.HasMore);
    }

    private void ArmWake()
    {
        _isWakeArmed = true;
        Push(new RingEntry
        {
            Operation = RingOperation.PollAdd,
            Descriptor = WakeDescriptor,
            Length = PollMany,
            OperationFlags = EpollEvents.In,
            Data = KindWake,
        });
    }

    private protected override void DisposeSockets()
    {
        // All of them together, instead of one by one.
        _isClosing = true;
        base.DisposeSockets();
    }

    private protected override void DisposeWaiting()
    {
        if (_ring.IsForeign)
        {
            _ring.Dispose();
            Abandon(_buffers);
            AbandonFiles();
            _buffers = null;
            return;
        }

        // Everything is cancelled; its blocks are the kernel's until it has said so.
        _ring.Push(new RingEntry
        {
            Operation = RingOperation.AsyncCancel,
            Descriptor = -1,
            OperationFlags = CancelAll | CancelAny,
            Data = KindCancel,
        });
        for (var i = 0; i < ClosingRounds && _inFlight > 0; i++)
        {
            Counters.Waits++;
            if (_ring.Enter(i == 0 ? 0 : 1, 1_000_000) is < 0 and var error && !IsEarlyEnd(error))
            {
                break;
            }

            Dispatch();
        }

        _ring.Dispose();
        if (_inFlight > 0)
        {
            Abandon(_buffers);
            AbandonFiles();
        }
        else
        {
            _buffers?.Dispose();
        }

        _buffers = null;
    }
}

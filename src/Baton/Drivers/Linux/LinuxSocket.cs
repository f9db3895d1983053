using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Baton.Drivers;

/// <summary>A socket of <see cref="LinuxDriver"/>: what it knows of its readiness, and the request that waits in each direction.</summary>
internal partial class LinuxSocket : IoSocket
{
    private protected readonly LinuxDriver _driver;
    private protected readonly int _slot;
    private readonly SocketType _socketType;
    private readonly AddressFamily _addressFamily;
    private protected int _descriptor;
    private Flags _flags;
    private protected IoRequest? _reader;
    private protected IoRequest? _writer;
    private byte[]? _peerAddress;
    private SocketError _heldError;

    internal LinuxSocket(LinuxDriver driver, int descriptor, int slot, AddressFamily addressFamily, SocketType socketType)
    {
        _driver = driver;
        _descriptor = descriptor;
        _slot = slot;
        _addressFamily = addressFamily;
        _socketType = socketType;

        // A new socket may succeed at anything; trying costs less than asking.
        _flags = Flags.MayRead | Flags.MayWrite;
        if (socketType == SocketType.Stream && addressFamily != AddressFamily.Unix)
        {
            // Not for local sockets: a receive there stops short at the border between two messages with passed descriptors.
            _flags |= Flags.ShortMeansDrained;
        }
    }

    [Flags]
    private enum Flags : byte
    {
        None = 0,

        /// <summary>A receive or accept may find something.</summary>
        MayRead = 1,

        /// <summary>A send may find room.</summary>
        MayWrite = 2,

        /// <summary>Epoll knows the descriptor.</summary>
        Registered = 4,

        /// <summary>
        /// A receive that got less than it asked for has taken everything, so that the next one need not be tried before an event.
        /// </summary>
        ShortMeansDrained = 8,

        /// <summary>A connect is under way.</summary>
        Connecting = 16,

        /// <summary>A look at whether there is something found an error, and by that took it off the socket.</summary>
        HasHeldError = 32,

        /// <summary>It is no socket, but a pipe or a device.</summary>
        IsFile = 64,

        /// <summary>The last lent block of a pipe was filled: more is there as a rule, and fewer calls fetch it into a larger one.</summary>
        ReadsMuch = 128,
    }

    public override nint Handle => _descriptor;

    public override AddressFamily AddressFamily => _addressFamily;

    public override SocketType SocketType => _socketType;

    public override bool IsDrained => (_flags & (Flags.MayRead | Flags.HasHeldError)) == 0;

    protected override IoBlockPool Blocks => _driver.Blocks;

    public override bool Submit(IoRequest request)
    {
        request.Error = SocketError.Success;
        request.BytesTransferred = 0;
        if (_descriptor < 0)
        {
            request.Error = SocketError.OperationAborted;
            return true;
        }

        if (request.Kind is IoOperationKind.Receive or IoOperationKind.Accept)
        {
            Debug.Assert(_reader is null, "the caller keeps to one request a direction");
            if (((_flags & Flags.MayRead) != 0 && TryRead(request)) || !TryRegister(request))
            {
                return true;
            }

            _reader = request;
            return false;
        }

        Debug.Assert(_writer is null, "the caller keeps to one request a direction");
        if (((_flags & Flags.MayWrite) != 0 || request.Kind == IoOperationKind.Connect) && TryWrite(request))
        {
            return true;
        }

        if (!TryRegister(request))
        {
            return true;
        }

        _writer = request;
        return false;
    }

    public override void Cancel(IoRequest request)
    {
        // What is pending here has not happened: it would have been finished when it did.
        if (ReferenceEquals(_reader, request))
        {
            _reader = null;
        }
        else if (ReferenceEquals(_writer, request))
        {
            _writer = null;
            _flags &= ~Flags.Connecting;
        }
        else
        {
            return;
        }

        request.Error = SocketError.OperationAborted;
        request.Finish();
    }

    public override int TryReceive(Span<byte> buffer, out SocketError error)
    {
        if (!MayReceive(out error))
        {
            return 0;
        }

        while (true)
        {
            _driver.Counters.Receives++;
            var count = (_flags & Flags.IsFile) == 0 ? _driver.Calls.Receive(_descriptor, buffer) : ReadFile(buffer);
            if (count > 0)
            {
                if (count < buffer.Length && (_flags & Flags.ShortMeansDrained) != 0)
                {
                    _flags &= ~Flags.MayRead;
                }

                error = SocketError.Success;
                return count;
            }

            if (!IsToBeRepeated(count, Flags.MayRead, out error))
            {
                return 0;
            }
        }
    }

    public override IoBlock? TryReceiveLent(out SocketError error)
    {
        if ((_flags & Flags.MayRead) == 0)
        {
            error = SocketError.WouldBlock;
            return null;
        }

        var block = (_flags & Flags.ReadsMuch) == 0 ? _driver.Blocks.Rent() : _driver.Blocks.RentLarge();
        var count = TryReceive(block.Space.Span, out error);
        if (count == 0)
        {
            block.Release();
            return null;
        }

        _flags = count < IoBlockPool.BlockSize || (_flags & Flags.IsFile) == 0 ? _flags & ~Flags.ReadsMuch : _flags | Flags.ReadsMuch;
        block.Length = count;
        return block;
    }

    public override int TrySend(ReadOnlySpan<byte> bytes, out SocketError error)
    {
        if ((_flags & Flags.MayWrite) == 0)
        {
            error = SocketError.WouldBlock;
            return 0;
        }

        while (true)
        {
            _driver.Counters.Sends++;
            var count = (_flags & Flags.IsFile) == 0 ? _driver.Calls.Send(_descriptor, bytes) : WriteFile(bytes);
            if (count >= 0)
            {
                // A short send is not taken for a full buffer: there the one futile call costs next to nothing, and a wrong guess would
                // wait for ever.
                error = SocketError.Success;
                return count;
            }

            if (!IsToBeRepeated(count, Flags.MayWrite, out error))
            {
                return 0;
            }
        }
    }

    public override IoSocket? TryAccept(out SocketError error)
    {
        Span<byte> address = stackalloc byte[SocketAddresses.MaximumSize];
        while (true)
        {
            _driver.Counters.Accepts++;
            var result = _driver.Calls.Accept(_descriptor, address, out var length);
            if (result >= 0)
            {
                var accepted = _driver.Add(result, _addressFamily, _socketType);
                accepted._peerAddress = SocketAddresses.Keep(address[..length]);
                error = SocketError.Success;
                return accepted;
            }

            if (!IsToBeRepeated(result, Flags.MayRead, out error))
            {
                return null;
            }
        }
    }

    public override void AssumeReadable()
    {
        if (_descriptor >= 0)
        {
            _flags |= Flags.MayRead;
        }
    }

    /// <summary>
    /// Epoll reported something. Errors count as readiness of both directions: the call that is then made says which error it is.
    /// </summary>
    internal void OnEvents(uint events)
    {
        if ((events & (EpollEvents.Error | EpollEvents.HangUp | EpollEvents.ReadHangUp | EpollEvents.Priority)) != 0)
        {
            // The end, or urgent data, stands behind the bytes: a short receive no longer means that there is nothing more, and no other
            // edge will come.
            _flags &= ~Flags.ShortMeansDrained;
        }

        if ((events & (EpollEvents.In | EpollEvents.ReadHangUp | EpollEvents.HangUp | EpollEvents.Error | EpollEvents.Priority)) != 0)
        {
            _flags |= Flags.MayRead;
            if (_reader is { } reader && IsReadable(reader))
            {
                _reader = null;
                reader.Finish();
            }
        }

        if ((events & (EpollEvents.Out | EpollEvents.HangUp | EpollEvents.Error)) != 0)
        {
            _flags |= Flags.MayWrite;
            if (_writer is { } writer && TryWrite(writer))
            {
                _writer = null;
                writer.Finish();
            }
        }
    }

    public override void Abort()
    {
        if (_descriptor < 0)
        {
            return;
        }

        if ((_flags & Flags.IsFile) != 0)
        {
            Dispose();
            return;
        }

        // To linger for no time at all is the system's way to say: reset.
        Span<int> linger = [1, 0];
        _driver.Counters.Others++;
        _driver.Calls.SetOption(
            _descriptor, LinuxSocketNumbers.LevelSocket, LinuxSocketNumbers.OptionLinger, MemoryMarshal.AsBytes(linger));
        Dispose();
    }

    public override SafeSocketHandle Detach()
    {
        ObjectDisposedException.ThrowIf(_descriptor < 0, typeof(LoopSocket));
        var descriptor = End(out var isRegistered);
        return _driver.Detach(this, descriptor, _slot, isRegistered);
    }

    public override void Dispose()
    {
        if (_descriptor < 0)
        {
            return;
        }

        var descriptor = End(out var isRegistered);
        Restore(descriptor);
        _driver.Remove(this, descriptor, _slot, isRegistered);
    }

    /// <summary>Lets go of the descriptor and ends what is pending.</summary>
    private int End(out bool isRegistered)
    {
        var descriptor = _descriptor;
        isRegistered = (_flags & Flags.Registered) != 0;
        _descriptor = -1;
        _flags = Flags.None;
        if (_reader is { } reader)
        {
            Cancel(reader);
        }

        if (_writer is { } writer)
        {
            Cancel(writer);
        }

        return descriptor;
    }

    /// <summary>An event said that there is something: that is all a receive without a buffer wanted to know.</summary>
    private bool IsReadable(IoRequest request) => (request.Kind == IoOperationKind.Receive && request.Buffer.IsEmpty) || TryRead(request);

    /// <summary>Tries a receive or accept. False when there is nothing now.</summary>
    private bool TryRead(IoRequest request)
    {
        if (request.Kind == IoOperationKind.Accept)
        {
            return TryAccept(request);
        }

        if (request.Buffer.IsEmpty)
        {
            return (_flags & Flags.HasHeldError) != 0 || TryPeek(request);
        }

        request.BytesTransferred = TryReceive(request.Buffer.Span, out var error);
        request.Error = error;
        return error != SocketError.WouldBlock;
    }

    private bool TryPeek(IoRequest request)
    {
        while (true)
        {
            _driver.Counters.Receives++;
            var result = (_flags & Flags.IsFile) == 0 ? _driver.Calls.Peek(_descriptor) : PeekFile();
            if (result == -Errno.EAGAIN)
            {
                _flags &= ~Flags.MayRead;
                return false;
            }

            if (result != -Errno.EINTR)
            {
                if (result < 0)
                {
                    // The kernel has told it and forgotten it: the receive that follows reports it.
                    Hold(result);
                }

                request.Error = SocketError.Success;
                return true;
            }
        }
    }

    /// <summary>Whether a receive is worth a system call; false also where there is an error to report first.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool MayReceive(out SocketError error)
    {
        error = SocketError.Success;
        return (_flags & (Flags.MayRead | Flags.HasHeldError)) == Flags.MayRead || MayReceiveSlow(out error);
    }

    private bool MayReceiveSlow(out SocketError error)
    {
        if ((_flags & Flags.HasHeldError) != 0)
        {
            _flags &= ~Flags.HasHeldError;
            error = _heldError;
        }
        else
        {
            error = SocketError.WouldBlock;
        }

        return false;
    }

    /// <summary>Looks at a call that failed. False with what it says, unless a signal interrupted it.</summary>
    private bool IsToBeRepeated(int result, Flags direction, out SocketError error)
    {
        if (result == -Errno.EINTR)
        {
            error = SocketError.Success;
            return true;
        }

        if (result == -Errno.EAGAIN)
        {
            _flags &= ~direction;
        }

        error = Errno.ToSocketError(result);
        return false;
    }

    private bool TryAccept(IoRequest request)
    {
        request.Accepted = TryAccept(out var error);
        request.Error = error;
        return error != SocketError.WouldBlock;
    }

    /// <summary>Tries a send, or starts or ends a connect. False when there is no room now.</summary>
    private bool TryWrite(IoRequest request)
    {
        SocketError error;
        switch (request.Kind)
        {
            case IoOperationKind.Send:
                request.BytesTransferred = TrySend(request.Buffer.Span, out error);
                break;
            case IoOperationKind.SendVectored:
                request.BytesTransferred = TrySendVectored(request.Buffers.AsSpan(0, request.BufferCount), out error);
                break;
            case IoOperationKind.WaitToSend:
                error = SocketError.Success;
                break;
            default:
                error = (_flags & Flags.Connecting) == 0 ? StartConnect(request.EndPoint!) : EndConnect();
                break;
        }

        request.Error = error;
        return error != SocketError.WouldBlock;
    }

    private int TrySendVectored(ReadOnlySpan<ReadOnlyMemory<byte>> buffers, out SocketError error)
    {
        while (true)
        {
            _driver.Counters.VectoredSends++;
            var count = (_flags & Flags.IsFile) == 0
                ? _driver.Calls.SendMessage(_descriptor, buffers)
                : WriteFile(buffers);
            if (count >= 0)
            {
                error = SocketError.Success;
                return count;
            }

            if (!IsToBeRepeated(count, Flags.MayWrite, out error))
            {
                return 0;
            }
        }
    }

    private SocketError StartConnect(EndPoint endPoint)
    {
        Span<byte> address = stackalloc byte[SocketAddresses.MaximumSize];
        var length = SocketAddresses.Write(endPoint, address);
        _driver.Counters.Connects++;
        var result = _driver.Calls.Connect(_descriptor, address[..length]);
        switch (result)
        {
            case 0:
                return SocketError.Success;
            case -Errno.EINPROGRESS or -Errno.EINTR or -Errno.EALREADY:
                // Interrupted or not, or begun by an attempt whose wait was cancelled: it goes on.
                _flags = (_flags | Flags.Connecting) & ~Flags.MayWrite;
                return SocketError.WouldBlock;
            case -Errno.EAGAIN:
                // A local socket whose listener has no room: there is nothing to wait for.
                return SocketError.NoBufferSpaceAvailable;
            default:
                return Errno.ToSocketError(result);
        }
    }

    private SocketError EndConnect()
    {
        _driver.Counters.Connects++;
        _flags &= ~Flags.Connecting;
        var result = _driver.Calls.GetOption(_descriptor, LinuxSocketNumbers.LevelSocket, LinuxSocketNumbers.OptionError, out var error);
        return Errno.ToSocketError(result < 0 ? result : error);
    }

    /// <summary>Whether it is told of its readiness in both directions.</summary>
    private protected bool IsRegistered
    {
        get => (_flags & Flags.Registered) != 0;
        set => _flags = value ? _flags | Flags.Registered : _flags & ~Flags.Registered;
    }

    /// <summary>Whether there is an error that the next receive reports.</summary>
    private protected bool HasHeldError => (_flags & Flags.HasHeldError) != 0;

    /// <summary>Keeps an error for the next receive.</summary>
    private protected void Hold(int result)
    {
        _heldError = Errno.ToSocketError(result);
        _flags |= Flags.HasHeldError;
    }

    /// <summary>Has no receive be tried until something says that there is something.</summary>
    private protected void MarkDrained() => _flags &= ~Flags.MayRead;

    /// <summary>Has somebody tell when the request is worth a try. False, with the error in the request, where that cannot be.</summary>
    private protected virtual bool TryRegister(IoRequest request)
    {
        if ((_flags & Flags.Registered) != 0)
        {
            return true;
        }

        var result = _driver.Register(this, _descriptor, _slot);
        if (result == -Errno.EPERM && (_flags & Flags.IsFile) != 0)
        {
            // A device that never blocks, and so never changes: what waits for its other end to go waits until it is cancelled.
            return true;
        }

        if (result < 0)
        {
            request.Error = Errno.ToSocketError(result);
            return false;
        }

        _flags |= Flags.Registered;
        return true;
    }
}

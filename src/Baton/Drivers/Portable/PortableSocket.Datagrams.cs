using System.Net;
using System.Net.Sockets;

namespace Baton.Drivers;

// Whole datagrams, one a call. Where the sender's address is asked for, or the receiver's is given, the BCL reports errors by exceptions
// only: a look whether there is something goes before, so that "nothing there" costs none.
internal sealed partial class PortableSocket
{
    private const long FirstLook = 1_000_000;
    private const long LongestLook = 16_000_000;

    private long _lookDelay = FirstLook;
    private bool _isReadable;

    /// <summary>When to look whether there is room.</summary>
    internal long NextLook { get; private set; }

    internal bool IsWaitingForRoom => _isWaitingForRoom;

    public override int TryReceiveFrom(Span<byte> buffer, SocketAddress? sender, out bool isTruncated, out SocketError error)
    {
        isTruncated = false;
        if (_socketType == SocketType.Stream)
        {
            sender?.Size = 0;
            return TryReceive(buffer, out error);
        }

        if (!MayReceive(out error))
        {
            return 0;
        }

        // A byte more than asked for tells whether the datagram was longer, on every system.
        _driver.Counters.Receives++;
        _isOutrun = _readWait is not null;
        var space = _driver.Scratch(buffer.Length + 1);
        var count = sender is null ? _socket.Receive(space, SocketFlags.None, out error) : ReceiveFrom(space, sender, out error);
        if (error == SocketError.MessageSize)
        {
            // So says Windows of a datagram that was longer still.
            count = space.Length;
            error = SocketError.Success;
        }

        if (error == SocketError.WouldBlock)
        {
            NoteEmpty();
        }

        isTruncated = count > buffer.Length;
        count = Math.Min(count, buffer.Length);
        space[..count].CopyTo(buffer);
        return count;
    }

    public override int TrySendTo(ReadOnlySpan<byte> bytes, SocketAddress? receiver, out SocketError error)
    {
        if (receiver is null)
        {
            return TrySend(bytes, out error);
        }

        if (IsClosed)
        {
            error = SocketError.WouldBlock;
            return 0;
        }

        _driver.Counters.Sends++;
        try
        {
            if (!_socket.IsBound && _addressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)
            {
                // The system would do it by itself, and the BCL not notice: the socket would never know its own address.
                _socket.Bind(new IPEndPoint(_addressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));
            }

            var count = _socket.SendTo(bytes, SocketFlags.None, receiver);
            error = SocketError.Success;
            _lookDelay = FirstLook;
            return count;
        }
        catch (SocketException exception)
        {
            error = exception.SocketErrorCode;
            return 0;
        }
    }

    public override void SetRawOption(int level, int name, ReadOnlySpan<byte> value) =>
        SetRaw(level, name, value, $"{name} of level {level}");

    public override int GetRawOption(int level, int name, Span<byte> value)
    {
        var socket = Use();
        try
        {
            return socket.GetRawSocketOption(level, name, value);
        }
        catch (SocketException exception)
        {
            throw SocketFailure.Create(exception.SocketErrorCode, $"Reading a socket's option {name} of level {level}");
        }
    }

    /// <summary>
    /// The driver looks whether there is room. False when there is none, or the send finds none all the same, and the wait goes on.
    /// </summary>
    internal bool TryEndWaitForRoom()
    {
        if (_writer is not { } writer || !_isWaitingForRoom)
        {
            return true;
        }

        if (!IsReady(SelectMode.SelectWrite) || !TryEnd(writer))
        {
            WaitLonger();
            return false;
        }

        _isWaitingForRoom = false;
        _writer = null;
        writer.Finish();
        return true;
    }

    /// <summary>
    /// What is to be sent whole cannot be waited for by sending a part, and the BCL has no other way to wait: the driver looks whether
    /// there is room after a millisecond, and then less and less often.
    /// </summary>
    private bool SubmitWaitForRoom(IoRequest request)
    {
        _writer = request;
        _isWaitingForRoom = true;
        WaitLonger();
        _driver.WaitForRoom(this);
        return false;
    }

    private void WaitLonger()
    {
        NextLook = LoopClock.System.Now + _lookDelay;
        _lookDelay = Math.Min(_lookDelay * 2, LongestLook);
    }

    private bool TryEnd(IoRequest request)
    {
        if (request.Kind == IoOperationKind.WaitToSend)
        {
            return true;
        }

        request.BytesTransferred = TrySendNow(request, out var error);
        request.Error = error;
        return error != SocketError.WouldBlock;
    }

    private int ReceiveFrom(Span<byte> space, SocketAddress sender, out SocketError error)
    {
        if (!_isReadable && !_socket.Poll(0, SelectMode.SelectRead))
        {
            error = SocketError.WouldBlock;
            return 0;
        }

        _isReadable = false;
        var from = _driver.ScratchAddress;
        from.Size = from.Buffer.Length;
        try
        {
            var count = _socket.ReceiveFrom(space, SocketFlags.None, from);
            sender.Size = Math.Min(from.Size, sender.Buffer.Length);
            from.Buffer.Span[..sender.Size].CopyTo(sender.Buffer.Span);
            error = SocketError.Success;
            return count;
        }
        catch (SocketException exception)
        {
            error = exception.SocketErrorCode;
            return 0;
        }
    }
}

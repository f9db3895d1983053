using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Baton.Drivers;

namespace Baton;

// From the socket to the protocol.
internal sealed partial class DatagramTransport
{
    /// <summary>No more are given to the protocol in one iteration, so that one busy socket does not starve the others.</summary>
    private const int ReceiveLimit = 64;

    /// <summary>As long as any datagram, those of local sockets included, unless somebody has changed the system's limits.</summary>
    private const int MaximumLength = 256 * 1024;

    private readonly Action _onReadable;
    private SocketAddress _sender = AddressConversion.CreateSpace();
    private SocketAddress _knownSender = AddressConversion.CreateSpace();
    private EndPoint? _knownSenderEndPoint;
    private ValueTaskAwaiter<int> _wait;

    private static ValueTaskAwaiter<int> AwaiterOf(ValueTask<int> wait) => wait.GetAwaiter();

    /// <summary>Waits for a datagram, outside of any task.</summary>
    private void Wait()
    {
        if (IsClosing)
        {
            return;
        }

        _wait = AwaiterOf(_socket.ReceiveAsync(Memory<byte>.Empty));
        if (_wait.IsCompleted)
        {
            Loop.CallSoon(_onReadable);
        }
        else
        {
            _wait.OnCompleted(_onReadable);
        }
    }

    private void OnReadable()
    {
        try
        {
            _wait.GetResult();
        }
        catch (SocketException exception)
        {
            if (!IsClosing)
            {
                ReportError(exception);
            }
        }

        var buffer = ArrayPool<byte>.Shared.Rent(MaximumLength);
        for (var i = 0; i < ReceiveLimit && !IsClosing && TryReceive(buffer); i++)
        {
        }

        ArrayPool<byte>.Shared.Return(buffer);
        Wait();
    }

    private bool TryReceive(byte[] buffer)
    {
        var length = _socket.Io.TryReceiveFrom(buffer, _sender, out _, out var error);
        switch (error)
        {
            case SocketError.Success:
                break;
            case SocketError.WouldBlock:
                return false;
            default:
                ReportError(SocketFailure.Create(error, "Receiving"));
                return true;
        }

        var sender = SenderEndPoint();
        try
        {
            _protocol.DatagramReceived(buffer.AsSpan(0, length), sender);
        }
        catch (Exception exception)
        {
            Report(nameof(IDatagramProtocol.DatagramReceived), exception);
        }

        return true;
    }

    /// <summary>The sender's end point: the same object as the last time where it is the same sender.</summary>
    private EndPoint? SenderEndPoint()
    {
        if (_sender.Size != _knownSender.Size
            || !_sender.Buffer.Span[.._sender.Size].SequenceEqual(_knownSender.Buffer.Span[.._knownSender.Size]))
        {
            _knownSenderEndPoint = AddressConversion.ToEndPoint(_sender);
            (_sender, _knownSender) = (_knownSender, _sender);
        }

        return _knownSenderEndPoint;
    }
}

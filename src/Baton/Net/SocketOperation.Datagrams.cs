using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;

namespace Baton;

// A datagram moves when the wait for it is over: by then it is received or sent whole, so that a cancel loses none.
internal sealed partial class SocketOperation : IValueTaskSource<SocketReceiveFromResult>
{
    private bool _isForDatagram;
    private Memory<byte> _datagram;
    private SocketAddress? _address;

    /// <summary>Room for the sender of a receive that is to give an end point.</summary>
    internal SocketAddress Sender => field ??= AddressConversion.CreateSpace();

    internal void StartReceiveFrom(Memory<byte> buffer, SocketAddress sender) => StartDatagram(IoOperationKind.Receive, buffer, sender);

    internal void StartSendTo(ReadOnlyMemory<byte> buffer, SocketAddress receiver) =>
        StartDatagram(IoOperationKind.WaitToSend, MemoryMarshal.AsMemory(buffer), receiver);

    internal ValueTask<SocketReceiveFromResult> AsDatagram() => new(this, Token);

    internal SocketReceiveFromResult ToResult(int count) => new()
    {
        ReceivedBytes = count,
        RemoteEndPoint = AddressConversion.ToEndPoint(Sender)!,
    };

    SocketReceiveFromResult IValueTaskSource<SocketReceiveFromResult>.GetResult(short token)
    {
        TakeResult(token);
        return ToResult(BytesTransferred);
    }

    private void StartDatagram(IoOperationKind kind, Memory<byte> datagram, SocketAddress address)
    {
        Start(kind, default);
        _isForDatagram = true;
        _datagram = datagram;
        _address = address;
    }

    /// <summary>False when there was nothing, or no room, after all and the operation waits again.</summary>
    private bool MoveDatagram()
    {
        while (Error == SocketError.Success)
        {
            var count = Kind == IoOperationKind.Receive
                ? socket.Io.TryReceiveFrom(_datagram.Span, _address, out _, out var error)
                : socket.Io.TrySendTo(_datagram.Span, _address, out error);
            if (error != SocketError.WouldBlock)
            {
                BytesTransferred = count;
                Error = error;
                break;
            }

            if (_isCancelled)
            {
                // The wait was over, in vain, before it could be cancelled: nobody would cancel the next.
                Error = SocketError.OperationAborted;
            }
            else if (!socket.Io.Submit(this))
            {
                return false;
            }
        }

        _datagram = default;
        _address = null;
        return true;
    }
}

using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Baton.Drivers;

namespace Baton;

/// <summary>
/// A local (Unix) socket for datagrams: whole ones, that arrive once each and in their order. Corresponds to
/// <c>loop.create_datagram_endpoint</c> with <c>family=AF_UNIX</c>.
/// </summary>
/// <remarks>
/// <para>Nothing is lost for want of room: a send waits until the receiver has taken some of what it has. One send and one receive may be
/// in progress at a time; a second throws <see cref="InvalidOperationException"/>.</para>
/// <para>Cancelling a task that receives loses no datagram; a send that is cancelled has sent nothing.</para>
/// <para>All members belong to the loop's thread; <see cref="SocketException"/> messages name the operation.</para>
/// </remarks>
public sealed class UnixDatagramSocket : IDisposable
{
    private readonly LoopSocket _socket;
    private readonly SocketAddress _sender = AddressConversion.CreateSpace();

    /// <summary>Makes one of a socket, which from now on belongs to it.</summary>
    /// <exception cref="ArgumentException">This is not a local socket, or one for streams.</exception>
    public UnixDatagramSocket(LoopSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (socket.AddressFamily != AddressFamily.Unix || socket.Io.SocketType != SocketType.Dgram)
        {
            throw new ArgumentException(
                $"A local socket for datagrams is needed, and this is of the type {socket.Io.SocketType} and the family {socket.AddressFamily}.", nameof(socket));
        }

        _socket = socket;
    }

    /// <summary>The loop to which the socket belongs.</summary>
    public EventLoop Loop => _socket.Loop;

    /// <summary>The system's descriptor, for options that nobody wrapped; -1 once the socket is disposed of.</summary>
    public nint Handle => _socket.Handle;

    /// <summary>The path or abstract name of this end; null where it has none.</summary>
    public UnixDomainSocketEndPoint? LocalEndPoint => (UnixDomainSocketEndPoint?)_socket.LocalEndPoint;

    /// <summary>
    /// The path or abstract name of the peer to which the socket is connected; null where it has none, or there is no peer.
    /// </summary>
    public UnixDomainSocketEndPoint? RemoteEndPoint => (UnixDomainSocketEndPoint?)_socket.RemoteEndPoint;

    /// <inheritdoc cref="LoopSocket.PeerCredentials"/>
    public UnixCredentials PeerCredentials => _socket.PeerCredentials;

    /// <summary>Makes a socket without a name: it can send, and nobody can answer it.</summary>
    /// <exception cref="SocketException">The system refused.</exception>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public static UnixDatagramSocket Create() => new(LoopSocket.Create(AddressFamily.Unix, SocketType.Dgram));

    /// <summary>
    /// Makes a socket at a path, in the place of the file of one that is no more, or with an abstract name. Its file is deleted when it is
    /// disposed of, if it is still its own.
    /// </summary>
    /// <param name="localEndPoint">The path or name; null takes an abstract name that is free, so that receivers can answer.</param>
    /// <param name="fileMode">The mode of the file: who may send; null leaves it to the process's file mode creation mask.</param>
    /// <param name="keepFile">Whether the file stays.</param>
    /// <exception cref="SocketException">
    /// A socket that is in use, or a file that is no socket, is there already, or the system refused.
    /// </exception>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public static UnixDatagramSocket Bind(UnixDomainSocketEndPoint? localEndPoint, UnixFileMode? fileMode = null, bool keepFile = false)
    {
        var socket = Create();
        try
        {
            UnixSocketFile.Bind(socket._socket, (EndPoint?)localEndPoint ?? FreeName.Instance, fileMode, keepFile);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes two sockets that are connected to each other, without names. Corresponds to <c>socket.socketpair</c>.</summary>
    /// <inheritdoc cref="LoopSocket.CreatePair" path="/exception"/>
    public static (UnixDatagramSocket First, UnixDatagramSocket Second) CreatePair()
    {
        var (first, second) = LoopSocket.CreatePair(SocketType.Dgram);
        return (new UnixDatagramSocket(first), new UnixDatagramSocket(second));
    }

    /// <summary>
    /// Connects to a peer: the socket sends to it, and receives from it alone. Can be called again, for another peer. Nothing is sent, and
    /// nothing waits.
    /// </summary>
    /// <exception cref="SocketException">No socket for datagrams is there, or the system refused.</exception>
    public ValueTask ConnectAsync(UnixDomainSocketEndPoint remoteEndPoint) => _socket.ConnectAsync(remoteEndPoint);

    /// <summary>Sends one datagram to the peer. Waits for room.</summary>
    /// <param name="datagram">The datagram; may be empty.</param>
    /// <exception cref="SocketException">
    /// The socket is not connected, the peer has gone, the datagram is too long, or the socket was disposed of meanwhile.
    /// </exception>
    public async Coroutine SendAsync(ReadOnlyMemory<byte> datagram) => await _socket.SendAsync(datagram);

    /// <summary>Sends one datagram to a path or abstract name. Waits for room there.</summary>
    /// <param name="datagram">The datagram; may be empty.</param>
    /// <param name="receiver">To whom.</param>
    /// <exception cref="SocketException">
    /// No socket for datagrams is there, the datagram is too long, or the socket was disposed of meanwhile.
    /// </exception>
    public async Coroutine SendToAsync(ReadOnlyMemory<byte> datagram, UnixDomainSocketEndPoint receiver)
    {
        try
        {
            await _socket.SendToAsync(datagram, receiver);
        }
        catch (SocketException exception)
        {
            throw SocketFailure.Create(exception.SocketErrorCode, "Sending to", receiver);
        }
    }

    /// <summary>Receives one datagram, and who sent it.</summary>
    /// <param name="buffer">Where to put it; what does not fit is lost, and the result says so.</param>
    /// <exception cref="SocketException">The socket was disposed of meanwhile.</exception>
    public async Coroutine<UnixDatagram> ReceiveFromAsync(Memory<byte> buffer)
    {
        while (true)
        {
            Loop.CheckThread();
            ObjectDisposedException.ThrowIf(Handle < 0, this);
            var length = _socket.Io.TryReceiveFrom(buffer.Span, _sender, out var isTruncated, out var error);
            if (error == SocketError.Success)
            {
                return new UnixDatagram(length, isTruncated, (UnixDomainSocketEndPoint?)AddressConversion.ToEndPoint(_sender));
            }

            if (error != SocketError.WouldBlock)
            {
                throw SocketFailure.Create(error, $"The receive on {this}");
            }

            // Without a buffer it waits and takes nothing.
            await _socket.ReceiveAsync(Memory<byte>.Empty);
        }
    }

    /// <summary>Sends one datagram to the peer, with descriptors.</summary>
    /// <inheritdoc cref="LoopSocket.SendDescriptorsAsync"/>
    public Coroutine SendDescriptorsAsync(ReadOnlyMemory<byte> bytes, params IReadOnlyList<SafeHandle> handles) =>
        _socket.SendDescriptorsAsync(bytes, handles);

    /// <summary>Receives one datagram, with the descriptors that came with it.</summary>
    /// <inheritdoc cref="LoopSocket.ReceiveDescriptorsAsync"/>
    public Coroutine<DescriptorMessage> ReceiveDescriptorsAsync(Memory<byte> buffer, int maximumDescriptors = 16) =>
        _socket.ReceiveDescriptorsAsync(buffer, maximumDescriptors);

    /// <summary>
    /// Closes the socket, and deletes its file if that is still its own. Operations in progress fail with
    /// <see cref="SocketError.OperationAborted"/>. Can be called again.
    /// </summary>
    public void Dispose() => _socket.Dispose();

    /// <inheritdoc/>
    public override string ToString() =>
        Handle < 0 ? "a closed local socket for datagrams" : $"local socket for datagrams {LocalEndPoint?.ToString() ?? "(unnamed)"}";

    /// <summary>The address that asks the system for a name that is free.</summary>
    private sealed class FreeName : EndPoint
    {
        internal static readonly FreeName Instance = new();

        public override AddressFamily AddressFamily => AddressFamily.Unix;

        public override SocketAddress Serialize() => new(AddressFamily.Unix, sizeof(ushort));

        public override string ToString() => "a free abstract name";
    }
}

using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>
/// A socket as a driver sees it. Operations are submitted and complete later or at once; at most one of each direction is in flight.
/// </summary>
/// <remarks>
/// <para>Directions: receive and accept share the reading side; send and connect the writing side. <see cref="Submit"/> of a second operation on a
/// side that is busy is an error of the caller.</para>
/// <para>A buffer in a submitted operation belongs to the driver until the operation has completed, whether it was cancelled or not.</para>
/// </remarks>
public abstract class IoSocket : IDisposable
{
    /// <summary>The system's descriptor, for options that nobody wrapped.</summary>
    public abstract nint Handle { get; }

    /// <summary>The family that the socket was created with.</summary>
    public abstract AddressFamily AddressFamily { get; }

    /// <summary>
    /// Starts the operation described by <paramref name="request"/>. True when it is done already, its outcome in the request and
    /// <see cref="LoopOperation.Complete"/> not called; false when it will be completed later.
    /// </summary>
    public abstract bool Submit(IoRequest request);

    /// <summary>
    /// Asks for a pending request to end early. It completes all the same, exactly once, now or later: with its result if it had happened, else with
    /// <see cref="SocketError.OperationAborted"/>.
    /// </summary>
    public abstract void Cancel(IoRequest request);

    /// <summary>Binds to a local end point.</summary>
    /// <exception cref="SocketException">The address is in use, not ours, or not permitted.</exception>
    public abstract void Bind(EndPoint endPoint);

    /// <summary>Starts to listen with room for <paramref name="backlog"/> connections that nobody has accepted yet.</summary>
    public abstract void Listen(int backlog);

    /// <summary>Shuts one or both directions down.</summary>
    public abstract void Shutdown(SocketShutdown how);

    /// <summary>Reads the address of this end, or of the peer.</summary>
    public abstract EndPoint GetEndPoint(bool peer);

    /// <summary>Sets an option, by the names of the BCL.</summary>
    public abstract void SetOption(SocketOptionLevel level, SocketOptionName name, int value);

    /// <summary>Reads an option, by the names of the BCL.</summary>
    public abstract int GetOption(SocketOptionLevel level, SocketOptionName name);

    /// <summary>Closes the descriptor. Pending requests complete with <see cref="SocketError.OperationAborted"/> first.</summary>
    public abstract void Dispose();
}

/// <summary>What an <see cref="IoRequest"/> asks of a socket.</summary>
public enum IoOperationKind
{
    /// <summary>Receive up to <see cref="IoRequest.Buffer"/>'s length. An empty buffer waits until there is something to receive.</summary>
    Receive,

    /// <summary>Wait until there is something to receive, then receive into a buffer that the driver lends: see <see cref="IoRequest.Buffer"/>.</summary>
    ReceiveLent,

    /// <summary>Send as much of <see cref="IoRequest.Buffer"/> as the system takes.</summary>
    Send,

    /// <summary>Send as much of <see cref="IoRequest.Buffers"/> as the system takes, in one call.</summary>
    SendVectored,

    /// <summary>Accept one connection into <see cref="IoRequest.Accepted"/>.</summary>
    Accept,

    /// <summary>Connect to <see cref="IoRequest.EndPoint"/>.</summary>
    Connect,
}

/// <summary>One operation on an <see cref="IoSocket"/>: what is asked, and how it ended.</summary>
public abstract class IoRequest(EventLoop loop) : LoopOperation(loop)
{
    /// <summary>What is asked.</summary>
    public IoOperationKind Kind { get; set; }

    /// <summary>The bytes to fill or to send; pinned by the driver where it must be.</summary>
    public Memory<byte> Buffer { get; set; }

    /// <summary>The buffers of a vectored send.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>>? Buffers { get; set; }

    /// <summary>The peer to connect to.</summary>
    public EndPoint? EndPoint { get; set; }

    /// <summary>How it ended; <see cref="SocketError.Success"/> when it worked.</summary>
    public SocketError Error { get; set; }

    /// <summary>The bytes received or sent. 0 for a receive means that the peer has shut its side down.</summary>
    public int BytesTransferred { get; set; }

    /// <summary>The connection that was accepted.</summary>
    public IoSocket? Accepted { get; set; }
}

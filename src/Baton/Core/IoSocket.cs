using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>
/// A socket as a driver sees it. What can be done at once is done by <see cref="TryReceive(Span{byte}, out SocketError)"/> and
/// <see cref="TrySend(ReadOnlySpan{byte}, out SocketError)"/>; what cannot is submitted and
/// completes later; at most one request of each direction is in flight.
/// </summary>
/// <remarks>
/// <para>Directions: receive and accept share the reading side; send, connect and the wait for room the writing side. <see cref="Submit"/>
/// of a second operation on a side that is busy is an error of the caller.</para>
/// <para>A buffer in a submitted operation belongs to the driver until the operation has completed, whether it was cancelled or not.</para>
/// <para>Datagrams have no operation to submit: <see cref="TryReceiveFrom"/>, <see cref="TrySendTo"/> and their batches do what can be done
/// at once, and what cannot waits by a <see cref="IoOperationKind.Receive"/> with an empty buffer, or a
/// <see cref="IoOperationKind.WaitToSend"/>, and tries again.</para>
/// <para>All members are for the loop thread.</para>
/// </remarks>
public abstract partial class IoSocket : IDisposable
{
    /// <summary>The system's descriptor, for options that nobody wrapped; -1 once closed.</summary>
    public abstract nint Handle { get; }

    /// <summary>The family that the socket was created with.</summary>
    public abstract AddressFamily AddressFamily { get; }

    /// <summary>The type that the socket was created with.</summary>
    public abstract SocketType SocketType { get; }

    /// <summary>The directions that there are: both, except for the end of a pipe, and for what was adopted for one of them only.</summary>
    public virtual FileAccess Access => FileAccess.ReadWrite;

    /// <summary>What it stands for: a socket, unless <see cref="IoDriver.AdoptDescriptor"/> made it of something else.</summary>
    public virtual IoSocketKind Kind => IoSocketKind.Socket;

    /// <summary>
    /// Starts the operation described by <paramref name="request"/>. True when it is done already, its outcome in the request and
    /// <see cref="IoRequest.Finish"/> not called; false when it will be finished later, never from inside this call.
    /// </summary>
    public abstract bool Submit(IoRequest request);

    /// <summary>
    /// Asks for a pending request to end early. It is finished all the same, exactly once, now or later: with its result if it had
    /// happened, else with <see cref="SocketError.OperationAborted"/>.
    /// </summary>
    public abstract void Cancel(IoRequest request);

    /// <summary>Receives what is there, without waiting. Costs no system call where the socket is known to have nothing.</summary>
    /// <param name="buffer">Where to put it; not empty.</param>
    /// <param name="error">
    /// <see cref="SocketError.WouldBlock"/> where there is nothing; then submit a request with an empty buffer to wait.
    /// </param>
    /// <returns>The bytes received; 0 without an error is the end.</returns>
    public abstract int TryReceive(Span<byte> buffer, out SocketError error);

    /// <summary>
    /// As <see cref="TryReceive(Span{byte}, out SocketError)"/>, for a socket that passes the bytes on to code that takes memory.
    /// </summary>
    public virtual int TryReceive(Memory<byte> buffer, out SocketError error) => TryReceive(buffer.Span, out error);

    /// <summary>Whether the socket is known to have nothing to receive now. Costs no system call; false where nobody knows.</summary>
    public virtual bool IsDrained => false;

    /// <summary>
    /// Receives what is there into a block that the driver lends, without waiting. The block's memory is what was received; who gets it
    /// releases it.
    /// </summary>
    /// <param name="error">
    /// <see cref="SocketError.WouldBlock"/> where there is nothing; then submit a request with an empty buffer to wait.
    /// </param>
    /// <returns>Null where nothing was received; without an error that is the end.</returns>
    public virtual IoBlock? TryReceiveLent(out SocketError error)
    {
        var block = Blocks.Rent();
        var count = TryReceive(block.Space.Span, out error);
        if (count == 0)
        {
            block.Release();
            return null;
        }

        block.Length = count;
        return block;
    }

    /// <summary>Sends what there is room for, without waiting. Costs no system call where the socket is known to have none.</summary>
    /// <param name="bytes">What to send.</param>
    /// <param name="error"><see cref="SocketError.WouldBlock"/> where there is no room for a single byte.</param>
    /// <returns>The bytes taken by the system.</returns>
    public abstract int TrySend(ReadOnlySpan<byte> bytes, out SocketError error);

    /// <summary>
    /// As <see cref="TrySend(ReadOnlySpan{byte}, out SocketError)"/>, for a socket that passes the bytes on to code that takes memory.
    /// </summary>
    public virtual int TrySend(ReadOnlyMemory<byte> bytes, out SocketError error) => TrySend(bytes.Span, out error);

    /// <summary>
    /// Accepts a connection that is there, without waiting, and whatever the last poll has told: for who is about to close a listening
    /// socket. At most one accept may be pending, and it stays so.
    /// </summary>
    /// <param name="error"><see cref="SocketError.WouldBlock"/> where there is none, or where the driver cannot tell.</param>
    /// <returns>Null where nothing was accepted.</returns>
    public virtual IoSocket? TryAccept(out SocketError error)
    {
        error = SocketError.WouldBlock;
        return null;
    }

    /// <summary>
    /// Closes a listening socket, as <see cref="Dispose"/> does, except that an accept which is pending may finish later, and with a
    /// connection: where the driver cannot tell at once whether the system has accepted one.
    /// </summary>
    public virtual void StopListening() => Dispose();

    /// <summary>
    /// Has the next <see cref="TryReceive(Span{byte}, out SocketError)"/> ask the system even where the last poll left nothing: for who
    /// must know what is there now, between two polls. Nothing to do for a driver that always asks.
    /// </summary>
    public virtual void AssumeReadable()
    {
    }

    /// <summary>Binds to a local end point.</summary>
    /// <exception cref="SocketException">The address is in use, not ours, or not permitted.</exception>
    public abstract void Bind(EndPoint endPoint);

    /// <summary>Starts to listen with room for <paramref name="backlog"/> connections that nobody has accepted yet.</summary>
    public abstract void Listen(int backlog);

    /// <summary>Shuts one or both directions down.</summary>
    public abstract void Shutdown(SocketShutdown how);

    /// <summary>Reads the address of this end, or of the peer; null where there is none.</summary>
    public abstract EndPoint? GetEndPoint(bool peer);

    /// <summary>Sets an option, by the names of the BCL.</summary>
    public abstract void SetOption(SocketOptionLevel level, SocketOptionName name, int value);

    /// <summary>Reads an option, by the names of the BCL.</summary>
    public abstract int GetOption(SocketOptionLevel level, SocketOptionName name);

    /// <summary>
    /// Lets several sockets listen at the same end point, between which the system spreads connections: SO_REUSEPORT, for which the BCL has
    /// no name.
    /// </summary>
    public abstract void SetReusePort(bool value);

    /// <summary>
    /// Gives the socket away, as it is, to somebody outside the loop: the reverse of <see cref="IoDriver.AdoptSocket"/>. Pending requests
    /// finish with <see cref="SocketError.OperationAborted"/> first; afterwards this is as closed.
    /// </summary>
    /// <exception cref="NotSupportedException">The driver cannot give sockets away.</exception>
    public virtual SafeSocketHandle Detach() => throw new NotSupportedException("This driver cannot give a socket away.");

    /// <summary>Closes the descriptor so that the peer is told of a reset, and what the system has not sent is dropped.</summary>
    public abstract void Abort();

    /// <summary>Closes the descriptor. Pending requests finish with <see cref="SocketError.OperationAborted"/> first.</summary>
    public abstract void Dispose();

    /// <summary>The pool of the driver.</summary>
    protected abstract IoBlockPool Blocks { get; }
}

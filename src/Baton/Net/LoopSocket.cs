using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Baton;

/// <summary>
/// A socket of a loop: accepts, connects, receives and sends without ever blocking the thread. Corresponds to asyncio's <c>sock_*</c>
/// methods. Most programs want a <see cref="Connection"/> or a <see cref="Server"/> instead, which are built on the same sockets.
/// </summary>
/// <remarks>
/// <para>One operation that receives or accepts, and one that sends or connects, may be in progress at a time; a second one throws
/// <see cref="InvalidOperationException"/>. Await the <see cref="ValueTask"/>s once, as all value tasks. Operations do not allocate in the
/// steady state.</para>
/// <para>Cancelling the task that waits cancels the operation, with <see cref="CancelledException"/>. An operation that had happened by
/// then delivers its result all the same; one that had not has had no effect, except that a connect leaves the socket fit only to be
/// disposed of, and that <see cref="SendAllAsync"/> may have sent a part.</para>
/// <para>All members belong to the loop's thread; <see cref="SocketException"/> messages name the operation.</para>
/// </remarks>
public sealed partial class LoopSocket : IDisposable
{
    private SocketOperation? _reading;
    private SocketOperation? _writing;

    internal LoopSocket(EventLoop loop, IoSocket io)
    {
        Loop = loop;
        Io = io;
        loop.TrackResource(this, static socket => ((LoopSocket)socket).Io.Handle >= 0);
    }

    /// <summary>The loop to which the socket belongs.</summary>
    public EventLoop Loop { get; }

    /// <summary>The system's descriptor, for options that nobody wrapped; -1 once the socket is disposed of.</summary>
    public nint Handle => Io.Handle;

    /// <summary>The family that the socket was created with.</summary>
    public AddressFamily AddressFamily => Io.AddressFamily;

    /// <summary>The address of this end; null before it is bound.</summary>
    public EndPoint? LocalEndPoint => Io.GetEndPoint(peer: false);

    /// <summary>
    /// The address of the peer; null before the socket is connected. Stays known, of an accepted socket, after the peer has gone.
    /// </summary>
    public EndPoint? RemoteEndPoint => Io.GetEndPoint(peer: true);

    /// <summary>Whether small sends leave at once instead of waiting for the acknowledgement of earlier ones (TCP_NODELAY).</summary>
    public bool NoDelay
    {
        get => Io.GetOption(SocketOptionLevel.Tcp, SocketOptionName.NoDelay) != 0;
        set => Io.SetOption(SocketOptionLevel.Tcp, SocketOptionName.NoDelay, value ? 1 : 0);
    }

    internal IoSocket Io { get; }

    /// <summary>The file that is to be deleted with the socket.</summary>
    internal UnixSocketFile? SocketFile { get; set; }

    /// <summary>Whether an accept is with the driver.</summary>
    internal bool IsAccepting => _reading is { IsPending: true, Kind: IoOperationKind.Accept };

    /// <summary>Creates a socket of the current loop.</summary>
    /// <exception cref="SocketException">The system refused.</exception>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public static LoopSocket Create(
        AddressFamily addressFamily, SocketType socketType = SocketType.Stream, ProtocolType protocolType = ProtocolType.Unspecified)
    {
        var loop = EventLoop.Current;
        return new LoopSocket(loop, loop.Driver.CreateSocket(loop, addressFamily, socketType, protocolType));
    }

    /// <summary>Binds to a local end point; port 0 takes a free one.</summary>
    /// <exception cref="SocketException">The address is in use, not ours, or not permitted.</exception>
    public void Bind(EndPoint endPoint)
    {
        Loop.CheckThread();
        Io.Bind(endPoint);
    }

    /// <summary>Starts to listen.</summary>
    /// <param name="backlog">How many connections may wait to be accepted.</param>
    public void Listen(int backlog = 100)
    {
        Loop.CheckThread();
        Io.Listen(backlog);
    }

    /// <summary>Accepts a connection. Corresponds to <c>loop.sock_accept</c>.</summary>
    /// <exception cref="SocketException">
    /// The process has too many descriptors, the socket does not listen, or it was disposed of meanwhile.
    /// </exception>
    public ValueTask<LoopSocket> AcceptAsync()
    {
        var operation = Use(ref _reading);
        operation.Start(IoOperationKind.Accept, default);
        SubmitOrDefer(operation);
        return operation.AsSocket();
    }

    /// <summary>
    /// Connects to an address. Corresponds to <c>loop.sock_connect</c>, except that names are for <see cref="Connection"/>.
    /// </summary>
    /// <exception cref="SocketException">The peer refused or could not be reached.</exception>
    /// <exception cref="ArgumentException">This is a name, not an address.</exception>
    public ValueTask ConnectAsync(EndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        var operation = Use(ref _writing);
        operation.Start(IoOperationKind.Connect, default);
        operation.EndPoint = endPoint;
        try
        {
            SubmitOrDefer(operation);
        }
        catch
        {
            // An end point that the driver cannot write as an address.
            operation.Abandon();
            throw;
        }

        return operation.AsVoid();
    }

    /// <summary>
    /// Receives up to the buffer's length: whatever is there, at least one byte. With an empty buffer it waits until there is something to
    /// receive and returns 0. Corresponds to <c>loop.sock_recv_into</c>.
    /// </summary>
    /// <returns>The bytes received; 0 when the peer has shut its side down.</returns>
    /// <exception cref="SocketException">The connection failed, or the socket was disposed of meanwhile.</exception>
    public ValueTask<int> ReceiveAsync(Memory<byte> buffer)
    {
        var operation = Use(ref _reading);
        if (!buffer.IsEmpty)
        {
            var count = Io.TryReceive(buffer.Span, out var error);
            if (error == SocketError.Success && Loop.TryConsumeBudget())
            {
                return new ValueTask<int>(count);
            }

            if (error != SocketError.WouldBlock)
            {
                operation.Start(IoOperationKind.Receive, default);
                operation.FinishNow(count, error);
                return operation.AsCount();
            }
        }

        operation.Start(IoOperationKind.Receive, buffer);
        SubmitOrDefer(operation);
        return operation.AsCount();
    }

    /// <summary>Sends what the system takes: at least one byte, not always all. Corresponds to <c>socket.send</c>.</summary>
    /// <returns>The bytes taken.</returns>
    /// <exception cref="SocketException">The connection failed, or the socket was disposed of meanwhile.</exception>
    public ValueTask<int> SendAsync(ReadOnlyMemory<byte> buffer)
    {
        var operation = Use(ref _writing);
        var count = Io.TrySend(buffer.Span, out var error);
        if (error == SocketError.Success && Loop.TryConsumeBudget())
        {
            return new ValueTask<int>(count);
        }

        operation.Start(IoOperationKind.Send, MemoryMarshal.AsMemory(buffer));
        if (error == SocketError.WouldBlock)
        {
            SubmitOrDefer(operation);
        }
        else
        {
            operation.FinishNow(count, error);
        }

        return operation.AsCount();
    }

    /// <summary>Sends everything. Corresponds to <c>loop.sock_sendall</c>.</summary>
    /// <remarks>
    /// When this fails or is cancelled, nobody knows how much was sent: the connection is of no more use. To know, call
    /// <see cref="SendAsync"/>.
    /// </remarks>
    /// <exception cref="SocketException">The connection failed, or the socket was disposed of meanwhile.</exception>
    public ValueTask SendAllAsync(ReadOnlyMemory<byte> buffer)
    {
        var operation = Use(ref _writing);
        if (buffer.IsEmpty)
        {
            return default;
        }

        var count = Io.TrySend(buffer.Span, out var error);
        if (error == SocketError.Success && count == buffer.Length && Loop.TryConsumeBudget())
        {
            return default;
        }

        if (count < buffer.Length && error is SocketError.Success or SocketError.WouldBlock)
        {
            operation.Start(IoOperationKind.Send, MemoryMarshal.AsMemory(buffer[count..]), mustSendAll: true);
            operation.Submit(Io);
        }
        else
        {
            operation.Start(IoOperationKind.Send, default);
            operation.FinishNow(count, error);
        }

        return operation.AsVoid();
    }

    /// <summary>Shuts one or both directions down. To shut the sending side down tells the peer that no more will come.</summary>
    public void Shutdown(SocketShutdown how)
    {
        Loop.CheckThread();
        Io.Shutdown(how);
    }

    /// <summary>Sets an option that is an integer or, as 0 and 1, a boolean.</summary>
    public void SetOption(SocketOptionLevel level, SocketOptionName name, int value)
    {
        Loop.CheckThread();
        Io.SetOption(level, name, value);
    }

    /// <summary>Reads an option that is an integer or, as 0 and 1, a boolean.</summary>
    public int GetOption(SocketOptionLevel level, SocketOptionName name)
    {
        Loop.CheckThread();
        return Io.GetOption(level, name);
    }

    /// <summary>
    /// Lets several sockets listen at the same end point, between which the system spreads connections (SO_REUSEPORT). Before
    /// <see cref="Bind"/>.
    /// </summary>
    public void SetReusePort(bool value)
    {
        Loop.CheckThread();
        Io.SetReusePort(value);
    }

    /// <summary>Closes the socket so that the peer is told of a reset, and what has not been sent is dropped.</summary>
    public void Abort() => Close(abort: true);

    /// <summary>
    /// Closes the socket. Operations in progress fail with <see cref="SocketError.OperationAborted"/>; a connection that was accepted and
    /// not fetched is closed too. Can be called again.
    /// </summary>
    public void Dispose() => Close(abort: false);

    /// <inheritdoc/>
    public override string ToString() => Handle < 0 ? "a closed socket" : $"socket {Handle}";

    /// <summary>Closes a listening socket on behalf of somebody who awaits its accept still: what has been accepted is delivered.</summary>
    internal void StopListening()
    {
        Loop.UntrackResource(this);
        SocketFile?.Delete(Loop);
        Io.StopListening();
    }

    private void Close(bool abort)
    {
        if (Io.Handle < 0)
        {
            _reading?.DropAccepted();
            return;
        }

        Loop.UntrackResource(this);
        SocketFile?.Delete(Loop);
        if (abort)
        {
            Io.Abort();
        }
        else
        {
            Io.Dispose();
        }

        _reading?.DropAccepted();
    }

    private SocketOperation Use(ref SocketOperation? field)
    {
        Loop.CheckThread();
        ObjectDisposedException.ThrowIf(Io.Handle < 0, this);
        var operation = field ??= new SocketOperation(this);
        if (operation.IsInUse)
        {
            ThrowBusy(operation);
        }

        Loop.ThrowIfCancelOverdue();
        return operation;
    }

    private void SubmitOrDefer(SocketOperation operation)
    {
        if (!Io.Submit(operation))
        {
            return;
        }

        if (operation.Error != SocketError.Success || Loop.TryConsumeBudget())
        {
            operation.Finish();
        }
        else
        {
            operation.FinishNow(operation.BytesTransferred, SocketError.Success);
        }
    }

    private static void ThrowBusy(SocketOperation operation) => throw new InvalidOperationException(
        $"Another {operation.Describe()} is still in progress: a socket receives or accepts for one at a time, and sends or connects for one at a time. Await the " +
        "first before you start the next.");
}

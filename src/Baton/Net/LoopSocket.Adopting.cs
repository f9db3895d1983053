using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;

namespace Baton;

// Sockets that were made by other means, and that go on elsewhere.
public sealed partial class LoopSocket
{
    /// <summary>
    /// Makes a socket of the current loop of one of the BCL's: new, bound, listening or connected. Corresponds to the <c>sock</c> argument
    /// of asyncio's methods and to <c>loop.connect_accepted_socket</c>.
    /// </summary>
    /// <param name="socket">
    /// The socket, on which nothing may be in progress. It passes to the loop; the caller must not use it any more, nor dispose of it,
    /// least of all where it was bound to a path, since the BCL would delete the file.
    /// </param>
    /// <remarks>
    /// Where the BCL has used the socket asynchronously, its own thread keeps being told of what happens on it, for as long as the socket
    /// is open. That does no harm but costs time: adopt a socket before its first asynchronous operation.
    /// </remarks>
    /// <exception cref="ObjectDisposedException">The socket is disposed of.</exception>
    /// <exception cref="SocketException">
    /// The driver does not know sockets of this family or type, or the system refused; the socket is still the caller's.
    /// </exception>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    [SuppressMessage("Usage", "CA1816", Justification = "Nothing is left to finalize, and the finalizer would delete the file of a local socket.")]
    public static LoopSocket FromSocket(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        var adopted = FromHandle(socket.SafeHandle);
        GC.SuppressFinalize(socket);
        return adopted;
    }

    /// <summary>
    /// Makes a socket of the current loop of a descriptor: inherited from another process, say. The handle passes to the loop.
    /// </summary>
    /// <inheritdoc cref="FromSocket" path="/exception"/>
    public static LoopSocket FromHandle(SafeSocketHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        var loop = EventLoop.Current;
        return new LoopSocket(loop, loop.Driver.AdoptSocket(loop, handle));
    }

    /// <summary>
    /// Gives the socket to the BCL: the reverse of <see cref="FromSocket"/>. The result works as every <see cref="Socket"/>, blocking calls
    /// included; this object is as disposed of.
    /// </summary>
    /// <exception cref="InvalidOperationException">An operation is in progress.</exception>
    /// <exception cref="ObjectDisposedException">The socket is disposed of.</exception>
    public Socket Detach()
    {
        var handle = DetachHandle();
        try
        {
            return new Socket(handle) { Blocking = true };
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Gives the socket away as it is, for another loop to adopt.</summary>
    /// <inheritdoc cref="Detach" path="/exception"/>
    internal SafeSocketHandle DetachHandle()
    {
        _ = Use(ref _reading);
        _ = Use(ref _writing);
        Loop.UntrackResource(this);
        return Io.Detach();
    }
}

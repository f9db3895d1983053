using Microsoft.Win32.SafeHandles;

namespace Baton;

// Transports over pipes, terminals and devices.
public sealed partial class EventLoop
{
    /// <summary>
    /// Hands a descriptor to read from to a protocol: one end of a pipe or FIFO, a terminal, a device, a socket. The end is told by
    /// <see cref="IStreamProtocol.EofReceived"/>, and whatever that returns, <see cref="IProtocol.ConnectionLost"/> follows. Corresponds to
    /// <c>loop.connect_read_pipe</c>.
    /// </summary>
    /// <typeparam name="TProtocol">The type of the protocol.</typeparam>
    /// <param name="protocolFactory">Called once; makes the protocol.</param>
    /// <param name="handle">
    /// The descriptor, which passes to the transport: the handle is closed, and with it the descriptor if the handle owns it.
    /// </param>
    /// <returns>The transport and the protocol, whose <see cref="IStreamProtocol.ConnectionMade"/> has been called.</returns>
    /// <exception cref="ArgumentException">It is a regular file or a directory, or cannot be read.</exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">The system refused.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows.</exception>
    public async Coroutine<(IReadTransport Transport, TProtocol Protocol)> ConnectReadPipeAsync<TProtocol>(
        Func<TProtocol> protocolFactory, SafeFileHandle handle)
        where TProtocol : IStreamProtocol
    {
        CheckFactory(protocolFactory);
        return await AttachAsync(Connection.FromHandle(handle, FileAccess.Read), protocolFactory);
    }

    /// <summary>
    /// Hands a descriptor to write to to a protocol: one end of a pipe or FIFO, a terminal, a device, a socket. When nobody can read any
    /// more, <see cref="IProtocol.ConnectionLost"/> is called: with a failure where something was still to be sent.
    /// <see cref="IWriteTransport.WriteEof"/> is the same as <see cref="ITransport.Close"/>: both send what is queued and close.
    /// Corresponds to <c>loop.connect_write_pipe</c>.
    /// </summary>
    /// <inheritdoc cref="ConnectReadPipeAsync"/>
    /// <exception cref="ArgumentException">It is a regular file or a directory, or cannot be written to.</exception>
    public async Coroutine<(IWriteTransport Transport, TProtocol Protocol)> ConnectWritePipeAsync<TProtocol>(
        Func<TProtocol> protocolFactory, SafeFileHandle handle)
        where TProtocol : IStreamProtocol
    {
        CheckFactory(protocolFactory);
        return await AttachAsync(Connection.FromHandle(handle, FileAccess.Write), protocolFactory);
    }
}

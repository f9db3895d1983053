namespace Baton;

public sealed partial class Connection
{
    /// <summary>The transport to which the connection belongs, while there is one.</summary>
    internal StreamTransport? Transport { get; set; }

    internal ConnectionWriter Writer => _writer;

    /// <summary>
    /// Hands the connection to a protocol, which is called from now on with what happens: asyncio's low-level way. What was received and
    /// not read goes to the protocol first. The connection must not be used until it is taken back by
    /// <see cref="IStreamTransport.DetachAsync"/>.
    /// </summary>
    /// <param name="protocol">Whom to call. <see cref="IStreamProtocol.ConnectionMade"/> has been called when this completes.</param>
    /// <returns>
    /// The transport, which closes the connection. A handler of a <see cref="Server"/> may return; the server counts the connection until
    /// it is closed.
    /// </returns>
    /// <exception cref="InvalidOperationException">The connection belongs to a protocol already.</exception>
    /// <exception cref="ObjectDisposedException">The connection is closed.</exception>
    public async Coroutine<IStreamTransport> AttachAsync(IStreamProtocol protocol)
    {
        ArgumentNullException.ThrowIfNull(protocol);
        Loop.CheckThread();
        ObjectDisposedException.ThrowIf(IsClosed, this);
        if (Transport is not null)
        {
            throw new InvalidOperationException(
                $"The {this} belongs to a protocol already. Take it back by DetachAsync, or set the transport's Protocol.");
        }

        var made = Loop.CreateFuture();
        var transport = StreamTransport.Start(this, protocol, made);
        try
        {
            await made;
        }
        catch
        {
            transport.Close();
            throw;
        }

        return transport;
    }

    /// <summary>Has debug mode watch whether somebody closes the connection.</summary>
    internal void Track() => Loop.TrackResource(this, static connection => !((Connection)connection).IsClosed);
}

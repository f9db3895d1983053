namespace Baton;

/// <summary>What an <see cref="IoRequest"/> asks of a socket.</summary>
public enum IoOperationKind
{
    /// <summary>
    /// Receive up to <see cref="IoRequest.Buffer"/>'s length. An empty buffer waits until a receive would not have to: for data, a
    /// datagram, the end, or an error. It takes nothing: neither a datagram, an empty one included, nor an error, which the receive that
    /// follows reports.
    /// </summary>
    Receive,

    /// <summary>Send as much of <see cref="IoRequest.Buffer"/> as the system takes.</summary>
    Send,

    /// <summary>
    /// Send as much of the first <see cref="IoRequest.BufferCount"/> of <see cref="IoRequest.Buffers"/> as the system takes, in one call.
    /// </summary>
    SendVectored,

    /// <summary>Accept one connection into <see cref="IoRequest.Accepted"/>.</summary>
    Accept,

    /// <summary>Connect to <see cref="IoRequest.EndPoint"/>. After a connect that failed, the socket is fit only to be closed.</summary>
    Connect,

    /// <summary>
    /// Wait until a send is worth trying again after it found no room: shares the writing side, moves nothing. It may be done although the
    /// send then finds no room all the same; the sender tries and waits again.
    /// </summary>
    WaitToSend,
}

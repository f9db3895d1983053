namespace Baton;

/// <summary>What an <see cref="IoRequest"/> asks of a socket.</summary>
public enum IoOperationKind
{
    /// <summary>
    /// Receive up to <see cref="IoRequest.Buffer"/>'s length. An empty buffer waits until a receive would not have to: for data, the end, or an error.
    /// </summary>
    Receive,

    /// <summary>Send as much of <see cref="IoRequest.Buffer"/> as the system takes.</summary>
    Send,

    /// <summary>Send as much of the first <see cref="IoRequest.BufferCount"/> of <see cref="IoRequest.Buffers"/> as the system takes, in one call.</summary>
    SendVectored,

    /// <summary>Accept one connection into <see cref="IoRequest.Accepted"/>.</summary>
    Accept,

    /// <summary>Connect to <see cref="IoRequest.EndPoint"/>.</summary>
    Connect,
}

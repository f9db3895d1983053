namespace Baton;

/// <summary>
/// What a transport of a stream connection calls. Corresponds to the methods of <c>asyncio.Protocol</c>; derive from the class
/// <see cref="Protocol"/> unless there is another base class.
/// </summary>
/// <remarks>
/// The order of calls: <see cref="ConnectionMade"/>; <see cref="DataReceived"/>, any number of times; <see cref="EofReceived"/>, at most
/// once; <see cref="IProtocol.ConnectionLost"/>. Where one throws, the failure goes to the loop's exception handler, the connection is
/// aborted, and <see cref="IProtocol.ConnectionLost"/> gets it.
/// </remarks>
public interface IStreamProtocol : IProtocol
{
    /// <summary>There is a connection. Called once, before anything is received. Corresponds to <c>connection_made</c>.</summary>
    void ConnectionMade(IStreamTransport transport);

    /// <summary>Bytes have arrived, cut up in any way. Corresponds to <c>data_received</c>.</summary>
    /// <param name="data">At least one byte. The memory is the transport's and will be used again: copy what is to be kept.</param>
    void DataReceived(ReadOnlySpan<byte> data);

    /// <summary>The peer has ended its side: nothing more will be received. Corresponds to <c>eof_received</c>.</summary>
    /// <returns>True to go on writing, until the protocol closes the transport; false to have it closed.</returns>
    bool EofReceived();
}

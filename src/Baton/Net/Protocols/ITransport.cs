using System.Net;

namespace Baton;

/// <summary>
/// A channel that calls a protocol back: what every transport has. Corresponds to <c>asyncio.BaseTransport</c>; its properties stand for
/// the keys of <c>get_extra_info</c>.
/// </summary>
/// <remarks>All members belong to the loop's thread.</remarks>
public interface ITransport
{
    /// <summary>The loop to which the transport belongs.</summary>
    EventLoop Loop { get; }

    /// <summary>
    /// Whom the transport calls. May be set at any time: the next call goes to the new one, which is told of no connection made.
    /// Corresponds to <c>get_protocol</c> and <c>set_protocol</c>.
    /// </summary>
    /// <exception cref="ArgumentException">The protocol is not of the transport's kind.</exception>
    IProtocol Protocol { get; set; }

    /// <summary>
    /// The address of this end; null where there is none. Stays known when the transport is closed. Corresponds to the key <c>sockname</c>.
    /// </summary>
    EndPoint? LocalEndPoint { get; }

    /// <summary>
    /// The address of the peer; null where there is none. Stays known when the transport is closed. Corresponds to the key <c>peername</c>.
    /// </summary>
    EndPoint? RemoteEndPoint { get; }

    /// <summary>
    /// The system's descriptor, for options that nobody wrapped; -1 once closed. It is the transport's: nobody else may read, write or
    /// close it. Corresponds to the key <c>socket</c>.
    /// </summary>
    nint Handle { get; }

    /// <summary>Whether the transport is closed or on its way there. Corresponds to <c>is_closing</c>.</summary>
    bool IsClosing { get; }

    /// <summary>
    /// Closes the transport: no more is received, what is queued is sent in the background, and then the protocol's
    /// <see cref="IProtocol.ConnectionLost"/> is called with null. Can be called again. Corresponds to <c>close</c>.
    /// </summary>
    void Close();

    /// <summary>
    /// Closes the transport at once: what is queued is dropped, and the protocol's <see cref="IProtocol.ConnectionLost"/> is called with
    /// null in the next iteration. Can be called again, and after <see cref="Close"/>. Corresponds to <c>abort</c>.
    /// </summary>
    void Abort();
}

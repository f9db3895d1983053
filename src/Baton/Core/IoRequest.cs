using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>One operation on an <see cref="IoSocket"/>: what is asked, and how it ended.</summary>
public abstract class IoRequest(EventLoop loop) : LoopOperation(loop)
{
    /// <summary>What is asked.</summary>
    public IoOperationKind Kind { get; set; }

    /// <summary>How it ended; <see cref="SocketError.Success"/> when it worked.</summary>
    public SocketError Error { get; set; }

    /// <summary>The bytes received or sent. 0 for a receive into a buffer means that the peer has shut its side down.</summary>
    public int BytesTransferred { get; set; }

    /// <summary>How many of <see cref="Buffers"/> are to be sent.</summary>
    public int BufferCount { get; set; }

    /// <summary>The bytes to fill or to send; pinned by the driver where it must be.</summary>
    public Memory<byte> Buffer { get; set; }

    /// <summary>The buffers of a vectored send.</summary>
    [SuppressMessage("Performance", "CA1819", Justification = "The driver reads the array in place, once a system call.")]
    public ReadOnlyMemory<byte>[]? Buffers { get; set; }

    /// <summary>The peer to connect to.</summary>
    public EndPoint? EndPoint { get; set; }

    /// <summary>The connection that was accepted.</summary>
    public IoSocket? Accepted { get; set; }

    /// <summary>
    /// Called by the driver, on the loop thread, once the outcome of a request that it took is in the request. Runs no code of users: it
    /// completes operations, may submit the request again, and returns.
    /// </summary>
    public virtual void Finish() => Complete(Error != SocketError.Success);

    /// <summary>
    /// Called on the loop thread right before the code that awaits the request runs: the last moment to fetch what a completed wait
    /// promised, so that a buffer is held only while code works on it.
    /// </summary>
    /// <returns>False when there was nothing after all and the request has been submitted again.</returns>
    protected virtual bool OnResuming() => true;

    internal override void Run(EventLoop loop)
    {
        if (OnResuming())
        {
            base.Run(loop);
        }
        else
        {
            Reopen();
        }
    }
}

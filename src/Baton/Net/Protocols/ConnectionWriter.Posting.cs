using System.Net.Sockets;

namespace Baton;

// Writing without anybody waiting, for transports.
internal sealed partial class ConnectionWriter
{
    /// <summary>
    /// Called whenever queued bytes were sent, or could not be, other than by <see cref="Post(ReadOnlySpan{byte})"/>. Must not run code of
    /// users.
    /// </summary>
    internal Action? Progressed { get; set; }

    /// <summary>Sends what there is room for, and queues a copy of the rest.</summary>
    internal void Post(ReadOnlySpan<byte> source)
    {
        if (Buffered == 0)
        {
            _lastSendPoll = _driver.PollCount;
            var count = _io.TrySend(source, out var error);
            if (count == source.Length)
            {
                return;
            }

            if (error is not (SocketError.Success or SocketError.WouldBlock))
            {
                Fail(error);
                return;
            }

            source = source[count..];
        }

        Copy(source);
        SendPosted();
    }

    /// <summary>As <see cref="Post(ReadOnlySpan{byte})"/>, several pieces in one call.</summary>
    internal void Post(ReadOnlySpan<ReadOnlyMemory<byte>> pieces)
    {
        foreach (var piece in pieces)
        {
            Copy(piece.Span);
        }

        SendPosted();
    }

    private void SendPosted()
    {
        MarkFlushed();
        SendQueued();
    }
}

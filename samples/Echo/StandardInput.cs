using Baton;

namespace Echo;

/// <summary>
/// The standard input, without blocking the loop. It may be a file, which no poll can wait for, so a thread of its own reads it and hands
/// the loop each piece. The thread calls only what other threads may call; everything else here belongs to the loop, and needs no lock.
/// </summary>
internal sealed class StandardInput
{
    private const int PieceSize = 64 * 1024;

    private readonly EventLoop _loop;
    private Future<ReadOnlyMemory<byte>> _next;
    private Future? _used;

    private StandardInput(EventLoop loop)
    {
        _loop = loop;
        _next = loop.CreateFuture<ReadOnlyMemory<byte>>();
    }

    /// <summary>Starts to read, for the loop that runs now.</summary>
    public static StandardInput Start()
    {
        var input = new StandardInput(EventLoop.Current);

        // In the background: a read that waits for a key must not keep the program from ending.
        new Thread(input.ReadAll) { IsBackground = true, Name = "standard input" }.Start();
        return input;
    }

    /// <summary>The next bytes, which stay as they are until the next call; none at the end.</summary>
    public async Coroutine<ReadOnlyMemory<byte>> ReadAsync()
    {
        _used?.TrySetResult();
        var piece = await _next;
        _next = _loop.CreateFuture<ReadOnlyMemory<byte>>();
        return piece;
    }

    /// <summary>
    /// Hands a piece over, and ends when it has been used: the reading thread waits for that, so memory does not fill with what nobody can
    /// send yet.
    /// </summary>
    private async Coroutine OfferAsync(ReadOnlyMemory<byte> piece)
    {
        _used = _loop.CreateFuture();
        _next.TrySetResult(piece);
        await _used;
    }

    /// <summary>The reading thread.</summary>
    private void ReadAll()
    {
        using var stream = Console.OpenStandardInput();
        var buffer = new byte[PieceSize];
        int length;
        do
        {
            length = ReadOrEnd(stream, buffer);
            try
            {
                _loop.RunCoroutineThreadSafe(OfferAsync(buffer.AsMemory(0, length))).GetAwaiter().GetResult();
            }
            catch (Exception exception) when (exception is InvalidOperationException or OperationCanceledException)
            {
                // The loop has closed: the server ended the conversation before the input did.
                return;
            }
        }
        while (length > 0);
    }

    private static int ReadOrEnd(Stream stream, byte[] buffer)
    {
        try
        {
            return stream.Read(buffer);
        }
        catch (IOException)
        {
            // An input that cannot be read has nothing to send.
            return 0;
        }
    }
}

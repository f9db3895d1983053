using System.Buffers;

namespace Baton;

/// <summary>
/// A <see cref="Connection"/> as a stream. Calls on the loop's thread go straight to the connection; calls from elsewhere, as
/// <c>HttpClient</c> makes them, go to the loop first and complete there.
/// </summary>
internal sealed class ConnectionStream(Connection connection) : Stream
{
    private OffLoopOperation? _offLoopRead;
    private OffLoopOperation? _offLoopWrite;
    private bool _isDisposed;

    public override bool CanRead => !_isDisposed && connection.Access != FileAccess.Write;

    public override bool CanWrite => !_isDisposed && connection.Access != FileAccess.Read;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    internal EventLoop Loop => connection.Loop;

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Loop.IsOnLoopThread
            ? ReadOnLoop(buffer, cancellationToken)
            : (_offLoopRead ??= new OffLoopOperation(this)).Read(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        Loop.IsOnLoopThread
            ? WriteOnLoop(buffer, cancellationToken)
            : (_offLoopWrite ??= new OffLoopOperation(this)).Write(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <summary>A write is complete when the system has it; what is left to flush can only come from the connection's pipe.</summary>
    public override Task FlushAsync(CancellationToken cancellationToken)
    {
        if (!Loop.IsOnLoopThread)
        {
            return Task.CompletedTask;
        }

        var flush = connection.FlushAsync(cancellationToken);
        return flush.IsCompletedSuccessfully ? Task.CompletedTask : flush.AsTask();
    }

    public override int Read(Span<byte> buffer)
    {
        ThrowIfOnLoop("ReadAsync");
        var array = ArrayPool<byte>.Shared.Rent(buffer.Length);
        try
        {
            var count = ReadAsync(array.AsMemory(0, buffer.Length)).AsTask().GetAwaiter().GetResult();
            array.AsSpan(0, count).CopyTo(buffer);
            return count;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(array);
        }
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        ThrowIfOnLoop("ReadAsync");
        return ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        ThrowIfOnLoop("WriteAsync");
        var array = buffer.ToArray();
        WriteAsync(array.AsMemory()).AsTask().GetAwaiter().GetResult();
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        ThrowIfOnLoop("WriteAsync");
        WriteAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();
    }

    public override void Flush()
    {
        // On purpose nothing, and on the loop too: StreamWriter and SslStream call it as they please, and writes are not held back.
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

#pragma warning disable CA2215 // The base class would only call Dispose, which cannot wait.
    public override ValueTask DisposeAsync()
    {
        if (!Loop.IsOnLoopThread)
        {
            return base.DisposeAsync();
        }

        // On the loop there is a way to wait until everything is sent.
        _isDisposed = true;
        return connection.CloseAsync();
    }
#pragma warning restore CA2215

    internal ValueTask<int> ReadOnLoop(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return connection.ReadAsync(buffer, cancellationToken);
    }

    internal ValueTask WriteOnLoop(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return connection.WriteAsync(buffer, cancellationToken);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed)
        {
            _isDisposed = true;
            CloseConnection();
        }

        base.Dispose(disposing);
    }

    private void CloseConnection()
    {
        if (Loop.IsOnLoopThread)
        {
            connection.Dispose();
            return;
        }

        try
        {
            Loop.CallSoonThreadSafe(static connection => ((Connection)connection!).Dispose(), connection);
        }
        catch (InvalidOperationException)
        {
            // The loop has closed, and its driver has closed the socket.
        }
    }

    private void ThrowIfOnLoop(string instead)
    {
        if (Loop.IsOnLoopThread)
        {
            throw new NotSupportedException(
                $"A synchronous call would block the event loop's thread, which has to do the very work that it waits for. Use {instead}.");
        }
    }
}

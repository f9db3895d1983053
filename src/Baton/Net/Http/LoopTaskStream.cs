namespace Baton;

/// <summary>A stream that is read, by tasks: one that is cancelled stops reading.</summary>
internal sealed class LoopTaskStream(Stream inner) : Stream
{
    public override bool CanRead => inner.CanRead;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        new(ForeignOperation.Run(
            static (read, token) => read.Inner.ReadAsync(read.Buffer, token).AsTask(), (Inner: inner, Buffer: buffer), cancellationToken));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    public override Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken) => ForeignOperation.Run(
        static async (copy, token) =>
        {
            await copy.Inner.CopyToAsync(copy.Destination, copy.BufferSize, token).ConfigureAwait(false);
            return true;
        },
        (Inner: inner, Destination: destination, BufferSize: bufferSize),
        cancellationToken);

    public override int Read(Span<byte> buffer) => inner.Read(buffer);

    public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }
}

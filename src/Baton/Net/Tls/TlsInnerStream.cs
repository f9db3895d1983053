using System.Net.Security;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace Baton;

/// <summary>
/// What <see cref="SslStream"/> reads records from and writes them to. During the handshake its calls are operations of the current task,
/// which cancelling the task ends. Afterwards it is fed: a read that finds nothing waits until the <see cref="TlsSocket"/> feeds it, and a
/// write is done in the call.
/// </summary>
internal sealed class TlsInnerStream : Stream, IValueTaskSource<int>
{
    private readonly TlsSocket _owner;
    private readonly IoSocket _lower;
    private readonly LoopSocket _channel;
    private IoBlock? _first;
    private int _start;
    private ManualResetValueTaskSourceCore<int> _read;
    private Memory<byte> _readBuffer;
    private bool _isReading;

    internal TlsInnerStream(EventLoop loop, TlsSocket owner, IoSocket lower, IoBlock? first, int start)
    {
        _owner = owner;
        _lower = lower;
        _first = first;
        _start = start;
        _channel = new LoopSocket(loop, lower);
        loop.UntrackResource(_channel);
    }

    /// <summary>Whether the handshake is over.</summary>
    internal bool IsOpen { get; set; }

    /// <summary>Whether the <see cref="TlsSocket"/> is about to have records decrypted.</summary>
    internal bool IsPumped { get; set; }

    /// <summary>Whether the lower socket has come to its end, or has failed.</summary>
    internal bool IsAtEnd { get; private set; }

    /// <summary>How the lower socket failed.</summary>
    internal SocketError Error { get; private set; }

    /// <summary>Whether there are bytes from before the upgrade.</summary>
    internal bool HasBlocks => _first is not null;

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (TryRead(buffer, out var count))
        {
            return new ValueTask<int>(count);
        }

        if (!IsPumped)
        {
            return _channel.ReceiveAsync(buffer);
        }

        _read.Reset();
        _readBuffer = buffer;
        _isReading = true;
        return new ValueTask<int>(this, _read.Version);
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!IsOpen)
        {
            return _channel.SendAllAsync(buffer);
        }

        _owner.OnSealed(buffer);
        return default;
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override void Flush()
    {
    }

    /// <summary>
    /// SslStream tells the peer in a synchronous call why it refuses its certificate. What does not go out at once is not worth waiting
    /// for.
    /// </summary>
    public override void Write(ReadOnlySpan<byte> buffer) => _lower.TrySend(buffer, out _);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override int Read(byte[] buffer, int offset, int count) =>
        throw new NotSupportedException("A synchronous read would block the event loop's thread.");

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    int IValueTaskSource<int>.GetResult(short token) => _read.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _read.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _read.OnCompleted(continuation, state, token, flags);

    /// <summary>
    /// Ends the read that waits with what the lower socket has now, so that SslStream goes on in this call. False when it has nothing.
    /// </summary>
    internal bool TryFeed()
    {
        if (!_isReading || !TryRead(_readBuffer, out var count))
        {
            return false;
        }

        EndRead(count);
        return true;
    }

    /// <summary>There will be no more.</summary>
    internal void End()
    {
        IsAtEnd = true;
        if (_isReading)
        {
            EndRead(0);
        }
    }

    internal void ReleaseBlocks()
    {
        while (_first is { } first)
        {
            _first = first.NextBlock;
            first.Release();
        }
    }

    private void EndRead(int count)
    {
        _isReading = false;
        _readBuffer = default;
        _read.SetResult(count);
    }

    private bool TryRead(Memory<byte> buffer, out int count)
    {
        count = 0;
        if (IsAtEnd)
        {
            return true;
        }

        if (_first is not null)
        {
            count = TakeBlocks(buffer.Span);
            return true;
        }

        if (buffer.IsEmpty)
        {
            // SslStream takes memory as soon as this ends: not before there is something to put there, where that is known.
            return !IsPumped || !_lower.IsDrained;
        }

        if (!IsPumped)
        {
            return false;
        }

        count = _lower.TryReceive(buffer, out var error);
        if (error == SocketError.WouldBlock)
        {
            return false;
        }

        if (count == 0)
        {
            IsAtEnd = true;
            Error = error;
        }

        return true;
    }

    private int TakeBlocks(Span<byte> target)
    {
        var taken = 0;
        while (_first is { } first && taken < target.Length)
        {
            var bytes = first.Memory.Span[_start..];
            var count = Math.Min(bytes.Length, target.Length - taken);
            bytes[..count].CopyTo(target[taken..]);
            taken += count;
            _start += count;
            if (_start == first.Length)
            {
                _first = first.NextBlock;
                _start = 0;
                first.Release();
            }
        }

        return taken;
    }
}

using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Baton;

/// <summary>
/// A read or write of a <see cref="ConnectionStream"/> that was called off the loop's thread: goes to the loop, does it there, and
/// completes there. One for each direction of a stream, used again and again.
/// </summary>
internal sealed class OffLoopOperation : LoopCall, IValueTaskSource<int>, IValueTaskSource
{
    private readonly ConnectionStream _stream;
    private readonly Action _finish;
    private ManualResetValueTaskSourceCore<int> _outcome;
    private Memory<byte> _readBuffer;
    private ReadOnlyMemory<byte> _writeBuffer;
    private CancellationToken _cancellationToken;
    private ValueTaskAwaiter<int> _reading;
    private ValueTaskAwaiter _writing;
    private bool _isWrite;
    private int _isInUse;

    internal OffLoopOperation(ConnectionStream stream)
        : base(stream.Loop)
    {
        _stream = stream;
        _finish = Finish;
    }

    internal ValueTask<int> Read(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        Claim(cancellationToken);
        _isWrite = false;
        _readBuffer = buffer;
        PostOrRelease();
        return new ValueTask<int>(this, _outcome.Version);
    }

    internal ValueTask Write(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken)
    {
        Claim(cancellationToken);
        _isWrite = true;
        _writeBuffer = buffer;
        PostOrRelease();
        return new ValueTask(this, _outcome.Version);
    }

    int IValueTaskSource<int>.GetResult(short token) => TakeResult(token);

    void IValueTaskSource.GetResult(short token) => TakeResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _outcome.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _outcome.OnCompleted(continuation, state, token, flags);

    private int TakeResult(short token)
    {
        try
        {
            return _outcome.GetResult(token);
        }
        finally
        {
            Volatile.Write(ref _isInUse, 0);
        }
    }

    private void Claim(CancellationToken cancellationToken)
    {
        if (Interlocked.Exchange(ref _isInUse, 1) != 0)
        {
            throw new InvalidOperationException(
                "Another call of the same direction is still in progress on this stream: one read and one write at a time.");
        }

        _outcome.Reset();
        _cancellationToken = cancellationToken;
    }

    private void PostOrRelease()
    {
        try
        {
            Post();
        }
        catch
        {
            Volatile.Write(ref _isInUse, 0);
            throw;
        }
    }

#pragma warning disable CA2012 // The awaiters are kept until the operation is done, and each gives its result once.
    protected override void Start()
    {
        try
        {
            if (_isWrite)
            {
                _writing = _stream.WriteOnLoop(_writeBuffer, _cancellationToken).GetAwaiter();
                if (!_writing.IsCompleted)
                {
                    _writing.UnsafeOnCompleted(_finish);
                    return;
                }
            }
            else
            {
                _reading = _stream.ReadOnLoop(_readBuffer, _cancellationToken).GetAwaiter();
                if (!_reading.IsCompleted)
                {
                    _reading.UnsafeOnCompleted(_finish);
                    return;
                }
            }
        }
        catch (Exception exception)
        {
            Complete(0, exception);
            return;
        }

        Finish();
    }
#pragma warning restore CA2012

    private void Finish()
    {
        var count = 0;
        Exception? failure = null;
        try
        {
            if (_isWrite)
            {
                _writing.GetResult();
            }
            else
            {
                count = _reading.GetResult();
            }
        }
        catch (Exception exception)
        {
            failure = exception;
        }

        Complete(count, failure);
    }

    protected override void Abandon(Exception failure) => Complete(0, failure);

    private void Complete(int count, Exception? failure)
    {
        End();
        _readBuffer = default;
        _writeBuffer = default;
        _reading = default;
        _writing = default;

        // The code that waits is somebody else's, and mostly the BCL's. Without a context of ours it goes on right here, and its next call
        // is on the loop already.
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            if (failure is null)
            {
                _outcome.SetResult(count);
            }
            else
            {
                _outcome.SetException(failure);
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }
}

namespace Baton;

// A file is closed when nobody works on it any more: its descriptor's number may be another file's at once.
public sealed partial class LoopFile
{
    /// <summary>
    /// Closes the file once the operations that are in progress have ended; none can be started any more. Leaves the loop's thread. Can be
    /// called again. Where the wait is cancelled, the file is closed all the same.
    /// </summary>
    /// <remarks>
    /// The system may tell only then that it could not write something, and nobody hears of it: call <see cref="FlushAsync"/> to be sure.
    /// </remarks>
    public async ValueTask CloseAsync()
    {
        Dispose();
        if (!_isClosed)
        {
            // A future for each: to cancel one wait must not end the others.
            var closed = Loop.CreateFuture();
            (_closeWaiters ??= []).Add(closed);
            await closed;
        }
    }

    /// <inheritdoc cref="CloseAsync"/>
    public ValueTask DisposeAsync() => CloseAsync();

    /// <summary>
    /// Closes the file as <see cref="CloseAsync"/> does, and does not wait for it: that happens on a thread for files, once the operations
    /// that are in progress have ended. Can be called again.
    /// </summary>
    public void Dispose()
    {
        if (_isClosing)
        {
            return;
        }

        if (Loop.IsClosed)
        {
            _isClosing = true;
            Handle.Dispose();
            OnClosed();
            return;
        }

        Loop.CheckThread();
        _isClosing = true;
        Loop.UntrackResource(this);
        CloseWhenIdle();
    }

    /// <summary>Keeps the file from being closed until <see cref="Release"/>.</summary>
    internal void Hold()
    {
        CheckOpen();
        _operations++;
    }

    internal void Release()
    {
        _operations--;
        if (_isClosing)
        {
            CloseWhenIdle();
        }
    }

    /// <summary>An operation has ended, or was withdrawn.</summary>
    internal void OnEnded(FileOperation operation, bool movesPosition)
    {
        if (operation.Kind == IoFileOperationKind.Close)
        {
            OnClosed();
            return;
        }

        if (movesPosition)
        {
            _isMoving = false;
            _position += operation.BytesTransferred;
        }

        Release();
    }

    private void CloseWhenIdle()
    {
        if (_operations == 0 && !_isClosed && !Loop.IsClosed)
        {
            // Nobody awaits it, so nobody can cancel it.
            var operation = new FileOperation(Loop);
            operation.Start(IoFileOperationKind.Close, Path, this);
            operation.File = Handle;
            operation.Submit();
        }
    }

    private void OnClosed()
    {
        _isClosed = true;
        if (_closeWaiters is { } waiters)
        {
            _closeWaiters = null;
            foreach (var waiter in waiters)
            {
                waiter.TrySetResult();
            }
        }
    }
}

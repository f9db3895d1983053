namespace Baton;

/// <summary>
/// Gives back what <see cref="AsyncLock.AcquireAsync"/> or <see cref="AsyncSemaphore.AcquireAsync"/> took, for <c>using</c>. Corresponds to
/// the end of an <c>async with</c>.
/// </summary>
/// <remarks>
/// Of a lock it releases its own hold only: disposed of again, or after <see cref="AsyncLock.Release()"/>, it does nothing, however many
/// copies there are. A semaphore does not tell its units apart: there, a variable gives its unit back once, but a copy of it would do so
/// again.
/// </remarks>
public struct Releaser : IDisposable
{
    private readonly long _hold;
    private object? _owner;

    internal Releaser(AsyncLock owner, long hold)
    {
        _owner = owner;
        _hold = hold;
    }

    internal Releaser(AsyncSemaphore owner) => _owner = owner;

    /// <summary>Which of the lock's holds this one ends.</summary>
    internal readonly long Hold => _hold;

    /// <summary>Gives it back.</summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    /// <exception cref="SemaphoreFullException">It has been given back to a semaphore by other means, and none is missing.</exception>
    public void Dispose()
    {
        var owner = _owner;
        _owner = null;
        if (owner is AsyncLock mutex)
        {
            mutex.EndHold(_hold);
        }
        else
        {
            (owner as AsyncSemaphore)?.Release();
        }
    }
}

namespace Baton;

/// <summary>
/// The waits of one enumeration, one after the other, which a <see cref="CancellationToken"/> may end from whatever thread.
/// </summary>
internal sealed class TokenWaiter<TResult>(EventLoop loop, CancellationToken cancellationToken) : Waiter<TResult>(loop), ITokenCancellable
{
    private CancellationTokenRegistration _registration;

    public int Use { get; private set; }

    /// <summary>One for the token, or null where it can never be cancelled and a pooled waiter does.</summary>
    internal static TokenWaiter<TResult>? For(CancellationToken cancellationToken) =>
        cancellationToken.CanBeCanceled ? new TokenWaiter<TResult>(EventLoop.Current, cancellationToken) : null;

    /// <summary>To be called once the wait has begun: a token that is cancelled already ends it at once.</summary>
    internal void Register() => _registration = TokenCancellation.Register(this, cancellationToken);

    public void CancelByToken()
    {
        if (IsPending)
        {
            Queue!.Remove(this);
            Fail(new OperationCanceledException(cancellationToken));
        }
    }

    protected override void Recycle()
    {
        _registration.Dispose();
        _registration = default;
        Use++;
    }
}

namespace Baton;

/// <summary>An operation that a <see cref="CancellationToken"/> may cancel, from whatever thread.</summary>
internal interface ITokenCancellable
{
    EventLoop Loop { get; }

    /// <summary>Numbers the uses of the operation, so that a cancel that comes late does not hit the next one.</summary>
    int Use { get; }

    /// <summary>Cancels the use that is in progress. On the loop thread.</summary>
    void CancelByToken();
}

/// <summary>Ties tokens to operations.</summary>
internal static class TokenCancellation
{
    /// <summary>
    /// Has the operation cancelled when the token is. Dispose of the registration before the use ends: then no callback runs any more.
    /// </summary>
    internal static CancellationTokenRegistration Register(ITokenCancellable operation, CancellationToken cancellationToken) =>
        cancellationToken.CanBeCanceled
            ? cancellationToken.UnsafeRegister(static state => OnCancelled((ITokenCancellable)state!), operation)
            : default;

    private static void OnCancelled(ITokenCancellable operation)
    {
        if (operation.Loop.IsOnLoopThread)
        {
            operation.CancelByToken();
            return;
        }

        try
        {
            operation.Loop.CallSoonThreadSafe(static state => ((Request)state!).Deliver(), new Request(operation, operation.Use));
        }
        catch (InvalidOperationException)
        {
            // The loop has closed, and with it the operation ended.
        }
    }

    private sealed class Request(ITokenCancellable operation, int use)
    {
        internal void Deliver()
        {
            if (operation.Use == use)
            {
                operation.CancelByToken();
            }
        }
    }
}

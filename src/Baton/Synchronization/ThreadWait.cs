namespace Baton;

/// <summary>The wait for room of code on a thread that runs no loop.</summary>
internal sealed class ThreadWait<T> : CrossLoopWait<T>
{
    private readonly TaskCompletionSource _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal ValueTask Begin(CrossLoopChannel<T> channel, CancellationToken cancellationToken) =>
        new(cancellationToken.CanBeCanceled ? WaitAsync(channel, cancellationToken) : _outcome.Task);

    internal override bool Signal()
    {
        switch (Failure)
        {
            case null:
                _outcome.SetResult();
                break;
            case OperationCanceledException cancelled:
                _outcome.SetCanceled(cancelled.CancellationToken);
                break;
            default:
                _outcome.SetException(Failure);
                break;
        }

        return true;
    }

    internal override void Run(EventLoop loop) => throw new InvalidOperationException("This wait belongs to no loop.");

    private async Task WaitAsync(CrossLoopChannel<T> channel, CancellationToken cancellationToken)
    {
        using var registration = cancellationToken.UnsafeRegister((_, token) => CancelByToken(channel, this, token), null);
        await _outcome.Task.ConfigureAwait(false);
    }
}

namespace Baton;

/// <summary>A function of another thread on its way to the loop, and its outcome on the way back.</summary>
/// <remarks>
/// Not a task: a loop that ends cancels its tasks, and then a call that is merely late would look to its caller as if somebody had
/// cancelled it.
/// </remarks>
internal sealed class FunctionCall<TResult>(
    EventLoop loop, Func<TResult> function, CancellationToken cancellationToken) : LoopItem, EventLoop.IAbandonable
{
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private readonly TaskCompletionSource<TResult> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Task<TResult> Task => _outcome.Task;

    internal override void Run(EventLoop loop)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            _outcome.TrySetCanceled(cancellationToken);
            return;
        }

        loop.EnterCallback(_context);
        try
        {
            _outcome.TrySetResult(function());
        }
        catch (Exception exception)
        {
            _outcome.TrySetException(exception);
        }
    }

    internal override string Describe() => $"call of {EventLoop.NameOf(function)}";

    void EventLoop.IAbandonable.Abandon() =>
        _outcome.TrySetException(
            new InvalidOperationException($"Event loop '{loop.Name}' was closed before it came to call {EventLoop.NameOf(function)}."));
}

using Baton;

namespace Fetch;

/// <summary>A token that is cancelled when a request has taken too long, or when the task that made it is cancelled.</summary>
internal sealed class RequestTimeout : IDisposable
{
    // Linked to the task's own token, so that cancelling the task reaches the request that it waits for.
    private readonly CancellationTokenSource _source = CancellationTokenSource.CreateLinkedTokenSource(LoopTask.Current!.CancellationToken);
    private readonly ThreadLog _threads;
    private readonly TimerHandle _timer;

    public RequestTimeout(TimeSpan limit, ThreadLog threads)
    {
        // A timer of the loop, not CancelAfter: that one would call back on a thread of the pool.
        _threads = threads;
        _timer = EventLoop.Current.CallLater(limit, Expire);
    }

    public CancellationToken Token => _source.Token;

    /// <summary>Whether it was the time that ended the request.</summary>
    public bool HasExpired { get; private set; }

    public void Dispose()
    {
        _timer.Cancel();
        _source.Dispose();
    }

    private void Expire()
    {
        _threads.Record();
        HasExpired = true;
        _source.Cancel();
    }
}

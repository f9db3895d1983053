using System.Threading.Tasks.Sources;

namespace Baton;

/// <summary>
/// What <c>Coroutine.AsCompleted</c> returns: the sequence and its one enumerator, and the operation in which a task waits for the next
/// element.
/// </summary>
internal sealed class CompletionSequence<TFuture>
    : LoopOperation, IAsyncEnumerable<TFuture>, IAsyncEnumerator<TFuture>, IValueTaskSource<bool>, ITokenCancellable
    where TFuture : Future
{
    private static readonly Action<Future, object?> OnDone = static (future, sequence) =>
        ((CompletionSequence<TFuture>)sequence!).Add((TFuture)future);
    private static readonly Action<object?> OnTimeout = static sequence => ((CompletionSequence<TFuture>)sequence!).Expire();

    private readonly Queue<TFuture> _done = new();
    private readonly TimeSpan? _timeout;
    private List<TFuture> _futures;
    private TimerHandle _timer;
    private CancellationToken _cancellationToken;
    private CancellationTokenRegistration _registration;
    private Exception? _failure;
    private TFuture? _current;
    private int _pending;
    private bool _isEnumerated;
    private bool _isDetached;

    internal CompletionSequence(EventLoop loop, List<TFuture> futures, TimeSpan? timeout)
        : base(loop)
    {
        _futures = futures;
        _pending = futures.Count;
        foreach (var future in futures)
        {
            future.AddDoneCallback(OnDone, this);
        }

        if (timeout is { } limit && limit != Timeout.InfiniteTimeSpan && _pending > 0)
        {
            _timeout = limit;
            _timer = loop.CallLater(limit, OnTimeout, this);
        }
    }

    public TFuture Current =>
        _current ?? throw new InvalidOperationException("There is no current element: MoveNextAsync has not returned true.");

    int ITokenCancellable.Use => Token;

    private bool IsExpired => _isDetached && _pending > 0;

    public IAsyncEnumerator<TFuture> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        Loop.CheckThread();
        if (_isEnumerated)
        {
            throw new InvalidOperationException(
                "A sequence of Coroutine.AsCompleted can be enumerated once. Call AsCompleted again with the tasks.");
        }

        _isEnumerated = true;
        _cancellationToken = cancellationToken;
        _registration = TokenCancellation.Register(this, cancellationToken);
        return this;
    }

    public ValueTask<bool> MoveNextAsync()
    {
        Loop.ThrowIfCancelOverdue();
        Begin();
        _current = null;
        if (_cancellationToken.IsCancellationRequested)
        {
            EndSynchronously();
            return ValueTask.FromCanceled<bool>(_cancellationToken);
        }

        if (_done.Count == 0 && _pending > 0 && !_isDetached)
        {
            return new ValueTask<bool>(this, Token);
        }

        if (!Loop.TryConsumeBudget())
        {
            CompleteThroughQueue(faulted: _done.Count == 0 && IsExpired);
            return new ValueTask<bool>(this, Token);
        }

        EndSynchronously();
        return _done.Count == 0 && IsExpired ? ValueTask.FromException<bool>(Expired()) : new ValueTask<bool>(TakeNext());
    }

    public ValueTask DisposeAsync()
    {
        Loop.CheckThread();
        if (IsPending)
        {
            throw new InvalidOperationException(
                "The next element is still being waited for: cancel the task that waits, or await MoveNextAsync first.");
        }

        _registration.Dispose();
        Detach();
        _pending = 0;
        _done.Clear();
        _current = null;
        return default;
    }

    void ITokenCancellable.CancelByToken() => Fail(new OperationCanceledException(_cancellationToken));

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        EndUse(token);
        OnResultTaken();
        return TakeNext();
    }

    internal override string Describe() => "wait for the next of Coroutine.AsCompleted";

    protected override bool RequestCancel(string? message)
    {
        Fail(new CancelledException(message));
        return true;
    }

    protected override void OnResultTaken()
    {
        if (_failure is { } failure)
        {
            _failure = null;
            throw failure;
        }

        if (_done.Count == 0 && IsExpired)
        {
            throw Expired();
        }
    }

    private bool TakeNext() => _done.TryDequeue(out _current);

    private void Add(TFuture future)
    {
        if (_isDetached)
        {
            return; // It was done when the time was over, or when the enumeration ended, and this had not been called yet.
        }

        _pending--;
        _done.Enqueue(future);
        if (_pending == 0)
        {
            Detach();
        }

        if (IsPending)
        {
            Complete();
        }
    }

    private void Expire()
    {
        Detach();
        if (IsPending)
        {
            Complete(faulted: true);
        }
    }

    private void Detach()
    {
        if (_isDetached)
        {
            return;
        }

        _isDetached = true;
        _timer.Cancel();
        foreach (var future in _futures)
        {
            if (!future.IsDone)
            {
                future.RemoveDoneCallback(OnDone, this);
            }
        }

        _futures = [];
    }

    private void Fail(Exception failure)
    {
        if (IsPending)
        {
            _failure = failure;
            Complete(faulted: true);
        }
    }

    private TimeoutException Expired() => new($"{_pending} tasks or futures were not done within {_timeout}.");
}

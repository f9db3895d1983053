using System.Runtime.CompilerServices;

namespace Baton;

// What comes from other threads: one lock-free list, pushed by anybody and taken whole by the loop, and a wake-up that is written once for
// each time that the loop had gone to sleep. The order of operations matters: the loop says that it sleeps and then looks at the inbox; a
// poster pushes and then looks whether the loop sleeps. Both pass a full fence in between, so at least one of them sees the other.
public sealed partial class EventLoop
{
    private static readonly LoopItem ClosedInbox = new ClosedMarker();

    private LoopItem? _inbox;
    private int _isSleeping;

    /// <summary>
    /// Has a callback called on the loop, from any thread. Corresponds to <c>loop.call_soon_threadsafe</c>.
    /// </summary>
    /// <returns>A handle that any thread may cancel.</returns>
    /// <exception cref="InvalidOperationException">The loop is closed.</exception>
    public Handle CallSoonThreadSafe(Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return CallSoonThreadSafe(CallbackItem.RunAction, callback);
    }

    /// <inheritdoc cref="CallSoonThreadSafe(Action)"/>
    /// <param name="callback">What to call.</param>
    /// <param name="state">What to call it with.</param>
    public Handle CallSoonThreadSafe(Action<object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var item = new ThreadSafeCallbackItem(this);
        item.Set(callback, state);
        _debug?.NoteCreation(item);
        Post(item);
        return new Handle(item);
    }

    /// <summary>
    /// Has a callback called on the loop, from any thread, unless the loop is closed: for threads that do not know whether it still is
    /// there.
    /// </summary>
    /// <param name="callback">What to call.</param>
    /// <param name="state">What to call it with.</param>
    /// <returns>
    /// False where the loop is closed. Where it closes before it comes to the callback, nothing calls that, and nobody is told.
    /// </returns>
    public bool TryCallSoonThreadSafe(Action<object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var item = new ThreadSafeCallbackItem(this);
        item.Set(callback, state);
        return TryPost(item);
    }

    /// <summary>Runs a coroutine as a task of this loop, from any thread. Corresponds to <c>asyncio.run_coroutine_threadsafe</c>.</summary>
    /// <returns>
    /// A task of the BCL, for the other thread: it ends as the coroutine does. Its continuations run on the thread pool, not on the loop.
    /// </returns>
    /// <exception cref="InvalidOperationException">The loop is closed.</exception>
    public Task RunCoroutineThreadSafe(Coroutine coroutine) => RunCoroutineThreadSafe(coroutine, CancellationToken.None);

    /// <inheritdoc cref="RunCoroutineThreadSafe{TResult}(Coroutine{TResult}, CancellationToken)"/>
    public Task RunCoroutineThreadSafe(Coroutine coroutine, CancellationToken cancellationToken)
    {
        NoteOrigin(coroutine.Source);
        return RunCoroutineThreadSafe(WithResult(coroutine), cancellationToken);
    }

    /// <inheritdoc cref="RunCoroutineThreadSafe(Coroutine)"/>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    public Task<TResult> RunCoroutineThreadSafe<TResult>(Coroutine<TResult> coroutine) =>
        RunCoroutineThreadSafe(coroutine, CancellationToken.None);

    /// <summary>Runs a coroutine as a task of this loop, from any thread, and cancels that task when a token is cancelled.</summary>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <returns>A task of the BCL that ends as the coroutine does.</returns>
    /// <exception cref="InvalidOperationException">The loop is closed.</exception>
    public Task<TResult> RunCoroutineThreadSafe<TResult>(Coroutine<TResult> coroutine, CancellationToken cancellationToken)
    {
        NoteOrigin(coroutine.Source);
        var call = new CoroutineCall<TResult>(this, coroutine, cancellationToken);
        Post(call);
        return call.Task;
    }

    /// <summary>Hands an item to the loop from any thread.</summary>
    internal void Post(LoopItem item)
    {
        if (!TryPost(item))
        {
            ThrowClosed();
        }
    }

    /// <summary>Hands an item to the loop from any thread. False where the loop is closed and nothing will run the item.</summary>
    internal bool TryPost(LoopItem item)
    {
        if (ReferenceEquals(t_running, this))
        {
            // On the loop's own thread: straight to the queue, behind what others have posted before, so that the order of calls is kept.
            DrainInbox();
            _ready.Enqueue(item);
            return true;
        }

        var head = Volatile.Read(ref _inbox);
        while (true)
        {
            if (ReferenceEquals(head, ClosedInbox))
            {
                return false;
            }

            item.Link = head;
            var seen = Interlocked.CompareExchange(ref _inbox, item, head);
            if (ReferenceEquals(seen, head))
            {
                break;
            }

            head = seen;
        }

        if (Volatile.Read(ref _isSleeping) != 0 && Interlocked.Exchange(ref _isSleeping, 0) != 0)
        {
            _driver.Wake();
        }

        return true;
    }

    /// <summary>Says that the loop is about to wait. False when something arrived meanwhile.</summary>
    private bool TryPrepareToSleep()
    {
        Interlocked.Exchange(ref _isSleeping, 1);
        if (Volatile.Read(ref _inbox) is null)
        {
            return true;
        }

        Awake();
        return false;
    }

    private void Awake() => Volatile.Write(ref _isSleeping, 0);

    /// <summary>What others have posted stands in the queue before what is about to be queued, because it was there before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void KeepArrivalOrder()
    {
        if (_inbox is not null)
        {
            DrainInbox();
        }
    }

    private void DrainInbox()
    {
        if (_inbox is null || ReferenceEquals(_inbox, ClosedInbox))
        {
            return;
        }

        // The list is last in, first out: turn it round.
        var item = Interlocked.Exchange(ref _inbox, null);
        LoopItem? ordered = null;
        while (item is not null)
        {
            var next = item.Link;
            item.Link = ordered;
            ordered = item;
            item = next;
        }

        while (ordered is not null)
        {
            var next = ordered.Link;
            ordered.Link = null;
            _ready.Enqueue(ordered);
            ordered = next;
        }
    }

    private void CloseInbox()
    {
        var item = Interlocked.Exchange(ref _inbox, ClosedInbox);
        while (item is not null && !ReferenceEquals(item, ClosedInbox))
        {
            var next = item.Link;
            (item as IAbandonable)?.Abandon();
            item = next;
        }
    }

    /// <summary>A coroutine of another thread's is not counted there any more.</summary>
    private void NoteOrigin(CoroutineSource? source)
    {
        if (!IsOnLoopThread && source is CoroutineBox box)
        {
            CoroutineCensus.Current.OnLeft(box);
        }
    }

    private static async Coroutine<bool> WithResult(Coroutine coroutine)
    {
        await coroutine;
        return true;
    }

    internal interface IAbandonable
    {
        void Abandon();
    }

    private sealed class ClosedMarker : LoopItem
    {
        internal override void Run(EventLoop loop)
        {
        }
    }

    /// <summary>A coroutine on its way to the loop, and its outcome on the way back.</summary>
    private sealed class CoroutineCall<TResult> : LoopItem, IAbandonable
    {
        private readonly EventLoop _loop;
        private readonly Coroutine<TResult> _coroutine;
        private readonly CancellationToken _cancellationToken;
        private readonly TaskCompletionSource<TResult> _outcome = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ExecutionContext? _context = ExecutionContext.Capture();
        private LoopTask<TResult>? _task;
        private CancellationTokenRegistration _registration;

        internal CoroutineCall(EventLoop loop, Coroutine<TResult> coroutine, CancellationToken cancellationToken)
        {
            _loop = loop;
            _coroutine = coroutine;
            _cancellationToken = cancellationToken;
        }

        internal Task<TResult> Task => _outcome.Task;

        public void Abandon()
        {
            if (_task is { IsDone: true })
            {
                Finish();
                return;
            }

            _registration.Dispose();
            _outcome.TrySetException(new InvalidOperationException(
                _task is null
                    ? "The event loop was closed before the coroutine could run."
                    : $"The event loop was closed before {_task} had ended."));
        }

        internal override void Run(EventLoop loop)
        {
            try
            {
                loop.EnterCallback(_context);
                _task = loop.CreateTask(_coroutine);
            }
            catch (Exception exception)
            {
                _outcome.TrySetException(exception);
                return;
            }

            loop.OpenCalls.Add(this);
            _task.AddDoneCallback(_ => Finish());
            if (_cancellationToken.IsCancellationRequested)
            {
                // Before its first step: it never runs.
                _task.Cancel();
                return;
            }

            _registration = _cancellationToken.UnsafeRegister(static call => ((CoroutineCall<TResult>)call!).RequestCancel(), this);
        }

        private void RequestCancel() => _loop.TryPost(new Cancellation(this));

        private void Finish()
        {
            _loop.OpenCalls.Remove(this);
            _registration.Dispose();
            var task = _task!;
            if (task.IsCancelled)
            {
                _outcome.TrySetCanceled(
                    _cancellationToken.IsCancellationRequested ? _cancellationToken : new CancellationToken(canceled: true));
            }
            else if (task.GetException() is { } exception)
            {
                _outcome.TrySetException(exception);
            }
            else
            {
                _outcome.TrySetResult(task.GetResult());
            }
        }

        private sealed class Cancellation(CoroutineCall<TResult> call) : LoopItem
        {
            internal override void Run(EventLoop loop)
            {
                // Callbacks on the task's token run here, and belong to no task.
                loop.EnterCallback(null);
                call._task!.Cancel();
            }
        }
    }
}

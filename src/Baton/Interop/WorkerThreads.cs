namespace Baton;

/// <summary>Threads that take work from one queue, first come, first served. What is common to the executors.</summary>
/// <remarks>
/// Everything is guarded by the one lock. A thread takes it once for each piece of work: to say that one is done and to get the next.
/// </remarks>
internal sealed class WorkerThreads
{
    private const int SpinLimit = 35;

    [ThreadStatic]
    private static WorkerThreads? t_current;

    private readonly object _gate = new();
    private readonly Queue<(Action<object?> Work, object? State)> _queue = new();
    private readonly List<Thread> _threads = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly string _kind;
    private readonly TimeSpan _idleLimit;
    private int _threadNumber;
    private int _running;
    private int _idle;
    private bool _isShutDown;

    /// <summary>Creates the queue; threads start when there is work for them.</summary>
    /// <param name="kind">What the owner is called in messages.</param>
    /// <param name="name">The owner's name, after which the threads are named.</param>
    /// <param name="limit">The most threads at once.</param>
    /// <param name="idleLimit">How long a thread without work stays.</param>
    internal WorkerThreads(string kind, string name, int limit, TimeSpan idleLimit)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        _kind = kind;
        Name = name;
        Limit = limit;
        _idleLimit = idleLimit;
    }

    internal string Name { get; }

    internal int Limit { get; }

    internal int RunningCount => Locked(static self => self._running);

    internal int QueuedCount => Locked(static self => self._queue.Count);

    internal int ThreadCount => Locked(static self => self._threads.Count);

    internal bool IsShutDown => Locked(static self => self._isShutDown);

    internal void Execute(Action<object?> work, object? state)
    {
        ArgumentNullException.ThrowIfNull(work);
        lock (_gate)
        {
            if (_isShutDown)
            {
                throw new InvalidOperationException($"{this} has been shut down and takes no more work.");
            }

            // First the thread, which waits for the lock: where there can be none, the work is refused instead of forgotten.
            if (_idle <= _queue.Count && _threads.Count < Limit)
            {
                StartThread();
            }

            _queue.Enqueue((work, state));
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Takes no more work; what was taken is still done.</summary>
    /// <returns>Done when the last work has ended.</returns>
    internal Task Shutdown()
    {
        lock (_gate)
        {
            _isShutDown = true;
            Monitor.PulseAll(_gate);
            EndIfLast();
        }

        return _ended.Task;
    }

    /// <summary>Shuts down, and waits until the threads have ended.</summary>
    internal void ShutdownAndJoin()
    {
        CheckNotOwnThread();
        Shutdown();
        foreach (var thread in Locked(static self => self._threads.ToArray()))
        {
            thread.Join();
        }
    }

    internal Task ShutdownAsync()
    {
        CheckNotOwnThread();
        return Shutdown();
    }

    public override string ToString() => $"{_kind} '{Name}'";

    private TValue Locked<TValue>(Func<WorkerThreads, TValue> read)
    {
        lock (_gate)
        {
            return read(this);
        }
    }

    private void CheckNotOwnThread()
    {
        if (ReferenceEquals(t_current, this))
        {
            throw new InvalidOperationException(
                $"{this} cannot be disposed of on one of its own threads, which would wait for itself. Do it on another one, or call Shutdown, which does not wait.");
        }
    }

    private void StartThread()
    {
        var thread = new Thread(static self => ((WorkerThreads)self!).Work())
        {
            IsBackground = true,
            Name = Limit == 1 ? Name : $"{Name}-{_threadNumber + 1}",
        };

        // Unsafe: the threads serve everybody and must not keep the execution context of whoever came first.
        thread.UnsafeStart(this);
        _threadNumber++;
        _threads.Add(thread);
    }

    private void Work()
    {
        t_current = this;
        var context = ExecutionContext.Capture()!;
        var isFirst = true;
        while (TryTake(isFirst, out var item))
        {
            isFirst = false;
            item.Work(item.State);

            // What one piece of work leaves behind, the next must not find.
            ExecutionContext.Restore(context);
            SynchronizationContext.SetSynchronizationContext(null);
        }
    }

    private bool TryTake(bool isFirst, out (Action<object?> Work, object? State) item)
    {
        lock (_gate)
        {
            if (!isFirst)
            {
                _running--;
            }

            if (_queue.TryDequeue(out item))
            {
                _running++;
                return true;
            }

            _idle++;
        }

        SpinForWork();
        lock (_gate)
        {
            _idle--;
            while (!_queue.TryDequeue(out item))
            {
                if (_isShutDown || !WaitForWork())
                {
                    _threads.Remove(Thread.CurrentThread);
                    EndIfLast();
                    return false;
                }
            }

            _running++;
            return true;
        }
    }

    /// <summary>
    /// Looks out for a moment before going to sleep, as the BCL's pool does: where calls follow each other closely, the loop then saves the
    /// system call that wakes a sleeper.
    /// </summary>
    private void SpinForWork()
    {
        // A guess, without the lock, under which the caller looks again.
        var spinner = default(SpinWait);
        while (spinner.Count < SpinLimit && _queue.Count == 0 && !Volatile.Read(ref _isShutDown))
        {
            spinner.SpinOnce(sleep1Threshold: -1);
        }
    }

    /// <summary>False when nothing came for so long that the thread may go.</summary>
    private bool WaitForWork()
    {
        _idle++;
        var isPulsed = Monitor.Wait(_gate, _idleLimit);
        _idle--;
        return isPulsed || _queue.Count > 0;
    }

    private void EndIfLast()
    {
        if (_isShutDown && _threads.Count == 0)
        {
            _ended.TrySetResult();
        }
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging.Abstractions;

namespace Baton;

/// <summary>
/// A single-threaded, cooperative event loop: one thread runs callbacks, coroutines and I/O in turns, and every <c>await</c> may hand the
/// turn on. Corresponds to an asyncio event loop.
/// </summary>
/// <remarks>
/// <para>Most programs call <see cref="Run(Func{Coroutine}, EventLoopOptions?)"/> and nothing else of this class.</para>
/// <para>
/// Invariants. Everything here is touched by the owner thread alone, without locks; from any other thread only
/// <see cref="CallSoonThreadSafe(Action)"/>, <see cref="RunCoroutineThreadSafe(Coroutine)"/> and the synchronization contexts lead in, by
/// way of one inbox. The owner is the thread that made the loop, and then whichever thread runs it. An iteration runs exactly the items
/// that stood in the ready queue when it started: ready items first, then completed I/O, then due timers, each in order; what these items
/// queue waits for the next iteration.
/// </para>
/// </remarks>
public sealed partial class EventLoop : IDisposable
{
    /// <summary>Leaf operations that may complete at once within one step before the task has to let others run.</summary>
    private const int StepBudget = 128;

    [ThreadStatic]
    private static EventLoop? t_running;

    private readonly IoDriver _driver;
    private readonly LoopClock _clock;
    private int _threadId = Environment.CurrentManagedThreadId;
    private ReadyQueue _ready = new();
    private TimerHeap _timers = new();
    private State _state;
    private bool _stopRequested;

    /// <summary>Creates a loop with everything at its default.</summary>
    public EventLoop()
        : this(null)
    {
    }

    /// <summary>
    /// Creates a loop. The caller owns it and must dispose of it; <see cref="Run(Func{Coroutine}, EventLoopOptions?)"/> does both by
    /// itself.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// No driver was given, and the environment variable BATON_DRIVER names one that there is not.
    /// </exception>
    public EventLoop(EventLoopOptions? options)
    {
        options ??= new EventLoopOptions();
        Name = options.Name ?? "loop";
        ExceptionHandler = options.ExceptionHandler;
        string? fallback = null;
        _driver = options.Driver ?? DefaultDriver.Create(out fallback);
        _clock = options.Clock ?? _driver.Clock;
        NameResolver = options.NameResolver ?? NameResolver.Default;
        _context = new LoopSynchronizationContext(this);
        LoggerFactory = options.LoggerFactory ?? NullLoggerFactory.Instance;
        _logger = new GuardedLogger(LoggerFactory.CreateLogger(LoopLog.Category), WriteReport);
        WarningHandler = options.WarningHandler;
        SlowCallbackDuration = options.SlowCallbackDuration;
        _debugStackDepth = options.DebugStackDepth;
        _blockingWaits = options.BlockingWaits;
        _busyPoll = Math.Min(options.BusyPoll.Ticks, (long)(MaximumWait / TimeSpan.NanosecondsPerTick)) * TimeSpan.NanosecondsPerTick;
        _fileThreads = options.FileThreads;
        _fileExecutor = options.FileExecutor;
        HasOwnFileExecutor = _fileExecutor is not null;
        LoopLog.DriverChosen(_logger, Name, _driver.Name);
        if (fallback is not null)
        {
            LoopLog.LogFallback(_logger, Name, _driver.Name, fallback);
        }

        SetDebug(options.Debug ?? IsDebugByEnvironment());
        _creationSite = _debug?.Capture();
        _guard = new LoopGuard(this);
    }

    private enum State
    {
        Idle,
        Running,
        Closed,
    }

    /// <summary>The loop that runs on this thread. Corresponds to <c>asyncio.get_running_loop</c>.</summary>
    /// <exception cref="InvalidOperationException">None does.</exception>
    public static EventLoop Current => t_running ?? ThrowNoLoop();

    /// <summary>The loop that runs on this thread, or null.</summary>
    public static EventLoop? CurrentOrNull => t_running;

    /// <summary>The loop's name in reports.</summary>
    public string Name { get; }

    /// <summary>The driver that does the loop's I/O.</summary>
    public IoDriver Driver => _driver;

    /// <summary>The clock of the loop's timers.</summary>
    public LoopClock Clock => _clock;

    /// <summary>The loop's time: monotonic, in nanoseconds from an arbitrary start. Corresponds to <c>loop.time</c>.</summary>
    public long Time => _clock.Now;

    internal long CoarseTime => _clock.CoarseNow;

    internal long CoarseResolution => _clock.CoarseResolution;

    /// <summary>Whether the loop runs now, on whatever thread. Corresponds to <c>loop.is_running</c>.</summary>
    public bool IsRunning => _state == State.Running;

    /// <summary>Whether the loop has been closed. Corresponds to <c>loop.is_closed</c>.</summary>
    public bool IsClosed => _state == State.Closed;

    /// <summary>
    /// Whether this is the thread to which the loop belongs: the one that runs it, or before it runs, the one that made it.
    /// </summary>
    public bool IsOnLoopThread
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Environment.CurrentManagedThreadId == _threadId;
    }

    /// <summary>Called once, when the loop closes, for what has to go with it.</summary>
    internal event Action? Closed;

    /// <summary>The task whose step runs now.</summary>
    internal LoopTask? CurrentTask { get; private set; }

    /// <summary>The innermost cancel scope around the code that runs now.</summary>
    internal CancelScope? CurrentScope { get; private set; }

    /// <summary>Throws on any thread but the loop's. An integer compare.</summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void CheckThread()
    {
        if (Environment.CurrentManagedThreadId != _threadId)
        {
            ThrowWrongThread();
        }
    }

    /// <summary>
    /// Counts an operation that completed at once, for operations of one's own. False every so often: the operation must then complete
    /// through the queue, so that a task whose data is always ready does not starve the others.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryConsumeBudget()
    {
        if (_budget > 0)
        {
            _budget--;
            return true;
        }

        return false;
    }

    /// <summary>
    /// For the start of an operation of one's own, before it does anything: throws where the task is cancelled and has had as many
    /// operations in this step as it may have. The next would have to complete through the queue, with a result that must not get lost; so
    /// a task whose operations are always done at once could not be told otherwise.
    /// </summary>
    /// <exception cref="CancelledException">The task has been cancelled, and this is where it is told.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ThrowIfCancelOverdue()
    {
        if (_budget <= 0)
        {
            ThrowIfCancelDue();
        }
    }

    /// <summary>The same, however many operations the task has had: for operations that cannot be given up once they have begun.</summary>
    internal void ThrowIfCancelDue()
    {
        if (CurrentTask is { } task && task.TryTakePendingCancel(CurrentScope, out var cancelled))
        {
            throw cancelled;
        }
    }

    /// <summary>
    /// Closes the loop: drops what is queued without running it, reports tasks that have not ended and failures that nobody
    /// retrieved, and releases the driver. Can be called again.
    /// Corresponds to <c>loop.close</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The loop is running.</exception>
    public void Dispose()
    {
        if (_state == State.Closed)
        {
            return;
        }

        if (_state == State.Running)
        {
            throw new InvalidOperationException("Cannot close a running event loop. Call Stop, and Dispose once RunForever has returned.");
        }

        // As with running: a loop that does not run goes to whoever closes it.
        _threadId = Environment.CurrentManagedThreadId;
        DrainInbox();
        AbandonCalls();
        foreach (var task in AllTasks())
        {
            ReportException($"{task.Brief} had not ended when the event loop was closed: it never will", null, task);
        }

        if (Volatile.Read(ref AsyncVoidCalls) is > 0 and var calls)
        {
            ReportException($"{calls} call(s) of async void methods had not ended when the event loop was closed. What they wait for on it never comes; make them coroutines, and tasks", null);
        }

        foreach (var record in UnretrievedFailures.ToArray())
        {
            record.Report();
        }

        ReportLeftovers();
        SetDebug(false);
        _guard.Release();
        _state = State.Closed;
        CloseInbox();
        _ready.Clear();
        _timers.Clear();
        _beforePoll.Clear();
        Closed?.Invoke();
        _driver.Dispose();
        LoopLog.Closed(_logger, Name);
        WriteReports();
    }

    internal static string NameOf(Delegate callback, object? state = null)
    {
        var target = ReferenceEquals(callback, CallbackItem.RunAction) && state is Delegate inner ? inner : callback;
        return MethodNames.Of(target);
    }

    /// <summary>Tells other threads whose coroutines have not ended that they never will. Drops what is queued.</summary>
    private void AbandonCalls()
    {
        while (_ready.Count > 0)
        {
            (_ready.Dequeue() as IAbandonable)?.Abandon();
        }

        foreach (var call in OpenCalls.ToArray())
        {
            call.Abandon();
        }

        OpenCalls.Clear();
    }

    private void CheckOpen()
    {
        if (_state == State.Closed)
        {
            ThrowClosed();
        }
    }

    [DoesNotReturn]
    private static EventLoop ThrowNoLoop() => throw new InvalidOperationException(
        "No event loop runs on this thread. Call this from a coroutine, task or callback of a loop, which EventLoop.Run starts; from another thread, use " +
        "EventLoop.CallSoonThreadSafe or EventLoop.RunCoroutineThreadSafe.");

    [DoesNotReturn]
    private static void ThrowClosed() =>
        throw new InvalidOperationException("The event loop is closed. Create another one: a closed loop cannot be used again.");

    [DoesNotReturn]
    private void ThrowWrongThread() => throw new InvalidOperationException(
        $"Event loop '{Name}' belongs to thread {_threadId}, and this is thread {Environment.CurrentManagedThreadId}. Use CallSoonThreadSafe to call into the " +
        "loop, or RunCoroutineThreadSafe to run a coroutine on it and wait for the result.");
}

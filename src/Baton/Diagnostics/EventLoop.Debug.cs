using System.Globalization;
using System.Runtime.CompilerServices;

namespace Baton;

// Debug mode. The loop chooses once for each batch whether to run it in debug mode, so that other programs pay nothing for each item.
public sealed partial class EventLoop
{
    private const string DebugVariable = "BATON_DEBUG";

    private readonly int _debugStackDepth;
    private readonly BlockingWaits _blockingWaits;
    private readonly LoopGuard _guard;
    private readonly CreationSite? _creationSite;
    private LoopDebug? _debug;
    private TimeSpan _slowCallbackDuration;
    private long _slowCallbackNanoseconds;

    /// <summary>
    /// Whether the loop looks for mistakes: slow callbacks, blocking waits, coroutines that nobody awaits, resources that nobody closes;
    /// and remembers where tasks, futures, callbacks and coroutines were made. Costs time and memory. May be set while the loop runs: it
    /// then holds from the next iteration on, for what is made from now on. Corresponds to <c>loop.set_debug</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The loop is closed, or this is not its thread.</exception>
    public bool IsDebug
    {
        get => _debug is not null;
        set
        {
            CheckThread();
            CheckOpen();
            SetDebug(value);
        }
    }

    /// <summary>
    /// What debug mode calls slow: callbacks, and steps of tasks, that take this long are warned of. 100 ms unless set. Corresponds to
    /// <c>loop.slow_callback_duration</c>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public TimeSpan SlowCallbackDuration
    {
        get => _slowCallbackDuration;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            _slowCallbackDuration = value;
            _slowCallbackNanoseconds = ToNanoseconds(value);
        }
    }

    /// <summary>What debug mode keeps; null outside of it.</summary>
    internal LoopDebug? DebugState => _debug;

    /// <summary>The resources that were tracked and have not been closed.</summary>
    internal HashSet<ResourceGuard.Record> OpenResources { get; } = [];

    /// <summary>
    /// Has debug mode warn of a resource that is collected, or is still open when the loop closes. Does nothing outside of debug mode.
    /// Connections, servers and sockets do this themselves.
    /// </summary>
    /// <param name="resource">What has to be closed. Its <see cref="object.ToString"/> names it.</param>
    /// <param name="isOpen">Whether it is open; a static lambda. Called on the loop's thread, or while the loop closes.</param>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public void TrackResource(object resource, Func<object, bool> isOpen)
    {
        ArgumentNullException.ThrowIfNull(resource);
        ArgumentNullException.ThrowIfNull(isOpen);
        CheckThread();
        if (_debug is { } debug)
        {
            OpenResources.Add(ResourceGuard.Watch(this, resource, isOpen, debug.Capture()));
        }
    }

    /// <summary>Says that a resource has been closed, or handed over to another one. See <see cref="TrackResource"/>.</summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public void UntrackResource(object resource)
    {
        ArgumentNullException.ThrowIfNull(resource);
        CheckThread();
        if (OpenResources.Count > 0 && ResourceGuard.Release(resource) is { } record)
        {
            OpenResources.Remove(record);
        }
    }

    /// <summary>Warns of code that is about to block the loop's thread, or throws. Called by the synchronization contexts.</summary>
    internal void OnBlockingWait(int timeout)
    {
        if (timeout == 0
            || _debug is not { RunningItem: not null, IsReporting: false } debug
            || debug.BlockingWaits == BlockingWaits.Ignore
            || !IsOnLoopThread
            || LoopDebug.IsBookkeeping)
        {
            return;
        }

        SetReporting(true);
        try
        {
            if (debug.CaptureWait() is not { } stack)
            {
                return;
            }

            var who = CurrentTask is { } task ? task.Brief : "A callback";
            var place = stack.Innermost is { } caller ? $" in {caller}" : "";
            var message = $"{who} blocks the thread of the event loop{place}: nothing else runs meanwhile, and if what it waits for needs the loop, nothing ever " +
                "will. Await instead.";
            if (debug.BlockingWaits == BlockingWaits.Throw)
            {
                throw new InvalidOperationException(message);
            }

            Warn(new LoopWarning(LoopWarningKind.BlockingWait, message)
            {
                Task = CurrentTask,
                Stack = stack,
                SourceTraceback = CurrentTask?.CreationSite,
            });
        }
        finally
        {
            SetReporting(false);
        }
    }

    private static bool IsDebugByEnvironment() =>
        Environment.GetEnvironmentVariable(DebugVariable) is { Length: > 0 } value && value != "0";

    private void SetDebug(bool value)
    {
        if (value == IsDebug)
        {
            return;
        }

        if (value)
        {
            _debug = new LoopDebug(_debugStackDepth, _blockingWaits);
            LoopDebug.CountStart();
            _context.RequireWaitNotification();
            for (var task = _tasks; task is not null; task = task.Next)
            {
                task.RequireWaitNotification();
            }
        }
        else
        {
            LoopDebug.CountStop();
            _debug = null;
        }

        LoopLog.DebugMode(_logger, Name, value ? "on" : "off");
    }

    private void RunBatchInDebug(int count)
    {
        while (count > 0)
        {
            count--;
            RunItem(_ready.Dequeue());
        }

        LeaveTask();
    }

    // Never inlined: reports find by it where the loop begins on the thread's stack.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RunItem(LoopItem item)
    {
        var coroutine = (item as LoopTask)?.Source as CoroutineBox ?? item as CoroutineBox ?? item.Resumes;
        LeaveTask();
        _budget = StepBudget;
        var started = BeginDebug(item);
        try
        {
            item.Run(this);
            if (_next is not null)
            {
                DriveDeferred();
            }
        }
        catch (Exception exception)
        {
            ReportFailedItem(item, exception);
            QueueDeferred();
        }

        EndDebug(started, coroutine);
    }

    private long BeginDebug(LoopItem item)
    {
        if (_debug is { } debug)
        {
            debug.RunningItem = item;

            // Once it has run, one that is pooled may stand for another callback already.
            debug.RunningName = item is CallbackItem and not TracedCallbackItem ? item.Describe() : null;
        }

        return _clock.Now;
    }

    private void EndDebug(long started, CoroutineBox? coroutine = null)
    {
        var elapsed = _clock.Now - started;
        if (_debug is not { RunningItem: { } item } debug)
        {
            return;
        }

        debug.RunningItem = null;
        if (elapsed < _slowCallbackNanoseconds)
        {
            return;
        }

        var duration = TimeSpan.FromTicks(elapsed / NanosecondsPerTick);
        var seconds = duration.TotalSeconds.ToString("F3", CultureInfo.InvariantCulture);
        if (CurrentTask is not { } task)
        {
            Warn(new LoopWarning(LoopWarningKind.SlowCallback, $"Executing {debug.RunningName ?? item.Describe()} took {seconds} seconds: nothing else could run meanwhile.")
            {
                Duration = duration,
                SourceTraceback = item.Origin,
            });
            return;
        }

        var what = coroutine is null ? ", from where plain async code went on"
            : StateMachines.TypeOf(coroutine.GetType()) is { } machine && !StateMachines.IsWrapper(machine)
            ? $", from where coroutine '{MethodNames.OfStateMachine(machine)}' went on"
            : "";
        CurrentTask = null; // It runs no more: so its stack is that of a suspended task.
        Warn(new LoopWarning(
            LoopWarningKind.SlowCallback, $"Executing {task.Brief} took {seconds} seconds{what}: nothing else could run meanwhile.")
        {
            Task = task,
            Duration = duration,
            AwaitStack = task.IsDone ? null : task.GetAwaitStack(),
            SourceTraceback = task.CreationSite,
        });
    }

    /// <summary>What was being looked for when the loop closes.</summary>
    private void ReportLeftovers()
    {
        if (_debug is { } debug)
        {
            CoroutineGuard.Record[] unclaimed;
            lock (debug.Unclaimed)
            {
                unclaimed = [.. debug.Unclaimed];
            }

            foreach (var record in unclaimed)
            {
                record.Report();
            }
        }

        foreach (var record in OpenResources.ToArray())
        {
            record.Report();
        }

        if (_driver.OpenSocketCount > 0)
        {
            LoopLog.SocketsLeftOpen(_logger, Name, _driver.OpenSocketCount);
        }
    }

    /// <summary>Called by the finalizer of the guard, on the runtime's thread for that.</summary>
    internal void ReportUnclosed()
    {
        if (_debug is not null)
        {
            LoopDebug.CountStop();
        }

        var tasks = _taskCount switch
        {
            0 => "",
            1 => " 1 task on it had not ended, and never will.",
            _ => $" {_taskCount} tasks on it had not ended, and never will.",
        };
        Warn(new LoopWarning(
            LoopWarningKind.UnclosedLoop,
            $"Unclosed event loop '{Name}': it was collected without having been disposed of.{tasks} EventLoop.Run does it by itself.")
        {
            SourceTraceback = _creationSite,
        });
    }
}

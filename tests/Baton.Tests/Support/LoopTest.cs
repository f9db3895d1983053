using System.Runtime.ExceptionServices;

namespace Baton.Tests;

/// <summary>
/// Runs a test on a fresh loop, in virtual time, on a thread of its own that is watched, and checks what is left at the end.
/// </summary>
public sealed class LoopTest
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(90);

    private readonly List<LoopExceptionContext> _reports = [];
    private readonly long _start;
    private readonly List<LoopWarning> _warnings = [];

    private LoopTest(IoDriver? driver, Action<EventLoopOptions>? configure)
    {
        var options = new EventLoopOptions
        {
            Driver = driver,
            ExceptionHandler = (_, report) => _reports.Add(report),
            WarningHandler = (_, warning) => _warnings.Add(warning),
            Name = "test",
        };
        configure?.Invoke(options);
        Loop = new EventLoop(options);
        _start = Loop.Time;
    }

    public EventLoop Loop { get; }

    public VirtualDriver Driver => (VirtualDriver)Loop.Driver;

    public VirtualClock Clock => Driver.VirtualClock;

    /// <summary>Virtual time since the test started.</summary>
    public TimeSpan Elapsed => TimeSpan.FromTicks((Loop.Time - _start) / 100);

    /// <summary>Whether tasks and timers may be left at the end: for tests of just that.</summary>
    public bool AllowLeftovers { get; set; }

    /// <summary>Runs a test body that drives the loop itself.</summary>
    public static void On(Action<LoopTest> body) => OnThread(() => Execute(new VirtualDriver(), body));

    /// <inheritdoc cref="On(Action{LoopTest})"/>
    public static void On(Action<EventLoopOptions> configure, Action<LoopTest> body) =>
        OnThread(() => Execute(new VirtualDriver(), body, configure));

    /// <summary>As <see cref="On(Action{LoopTest})"/>, in debug mode, whose warnings the test has to take.</summary>
    public static void OnInDebug(Action<LoopTest> body) => On(options => options.Debug = true, body);

    /// <summary>As <see cref="Run(Func{LoopTest, Coroutine})"/>, in debug mode, whose warnings the test has to take.</summary>
    public static void RunInDebug(Func<LoopTest, Coroutine> main, BlockingWaits blockingWaits = BlockingWaits.Report) => On(
        options =>
        {
            options.Debug = true;
            options.BlockingWaits = blockingWaits;
        },
        test => test.Loop.RunUntilComplete(Call(main, test)));

    /// <summary>Runs a coroutine as the main task of a loop.</summary>
    public static void Run(Func<LoopTest, Coroutine> main) => On(test => test.Loop.RunUntilComplete(Call(main, test)));

    /// <inheritdoc cref="Run(Func{LoopTest, Coroutine})"/>
    public static void Run(Func<Coroutine> main) => Run(_ => main());

    /// <summary>Runs a test on the default driver, in real time. Skipped where there is none.</summary>
    public static void RunOnDefaultDriver(Func<LoopTest, Coroutine> main)
    {
        Assert.SkipUnless(HasDefaultDriver(), "There is no default driver on this platform.");
        OnThread(() => Execute(null, test => test.Loop.RunUntilComplete(Call(main, test))));
    }

    /// <summary>Runs something on a thread of its own, and fails if it does not end in time.</summary>
    public static void OnThread(Action body, int stackSize = 0)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(
            () =>
            {
                try
                {
                    body();
                }
                catch (Exception exception)
                {
                    failure = ExceptionDispatchInfo.Capture(exception);
                }
            },
            stackSize)
        {
            IsBackground = true,
            Name = "test loop",
        };
        thread.Start();
        if (!thread.Join(Guard))
        {
            throw new TimeoutException($"The test did not end within {Guard.TotalSeconds} s.");
        }

        failure?.Throw();
    }

    /// <summary>
    /// Starts a thread that ends before the test does: the result, when disposed of, waits for it and throws what it threw.
    /// </summary>
    public static TestThread StartThread(Action body) => new(body, Guard);

    public static bool HasDefaultDriver()
    {
        try
        {
            new EventLoop().Dispose();
            return true;
        }
        catch (PlatformNotSupportedException)
        {
            return false;
        }
    }

    /// <summary>Waits for an event that another thread sets, with a limit.</summary>
    public static void Await(WaitHandle signal) => Assert.True(signal.WaitOne(Guard), "The event was not set in time.");

    /// <summary>Runs what is queued, and what that queues, for a number of iterations.</summary>
    public void RunIterations(int count)
    {
        for (var i = 0; i < count; i++)
        {
            Loop.Stop();
            Loop.RunForever();
        }
    }

    /// <summary>What was reported to the exception handler so far; the test expects it.</summary>
    public List<LoopExceptionContext> TakeReports()
    {
        var reports = _reports.ToList();
        _reports.Clear();
        return reports;
    }

    /// <summary>What was warned of so far; the test expects it.</summary>
    public List<LoopWarning> TakeWarnings()
    {
        var warnings = _warnings.ToList();
        _warnings.Clear();
        return warnings;
    }

    /// <summary>The one warning so far, which the test expects.</summary>
    public LoopWarning TakeWarning() => Assert.Single(TakeWarnings());

    /// <summary>The one report so far, which the test expects.</summary>
    public LoopExceptionContext TakeReport() => Assert.Single(TakeReports());

    /// <summary>Has a coroutine wait until every task but the given ones and itself is done.</summary>
    public async Coroutine Drain()
    {
        while (Loop.TaskCount > 1)
        {
            await Coroutine.Yield();
        }
    }

    /// <summary>Lets what other threads have posted, and have ended before this is called, run.</summary>
    public static async Coroutine Settle()
    {
        // It enters the queue behind the first of these.
        await Coroutine.Yield();
        await Coroutine.Yield();
    }

    private static async Coroutine Call(Func<LoopTest, Coroutine> main, LoopTest test) => await main(test);

    private static void Execute(IoDriver? driver, Action<LoopTest> body, Action<EventLoopOptions>? configure = null)
    {
        var test = new LoopTest(driver, configure);
        try
        {
            body(test);
            if (!test.AllowLeftovers)
            {
                Assert.Empty(test.Loop.AllTasks());
                Assert.Equal(0, test.Loop.TimerCount);
            }
        }
        finally
        {
            test.Loop.Dispose();
        }

        Assert.Empty(test._reports);
        Assert.True(test._warnings.Count == 0, string.Join('\n', test._warnings));
    }
}

/// <summary>A thread of a test.</summary>
public sealed class TestThread : IDisposable
{
    private readonly Thread _thread;
    private readonly TimeSpan _guard;
    private ExceptionDispatchInfo? _failure;

    internal TestThread(Action body, TimeSpan guard)
    {
        _guard = guard;
        _thread = new Thread(() =>
        {
            try
            {
                body();
            }
            catch (Exception exception)
            {
                _failure = ExceptionDispatchInfo.Capture(exception);
            }
        })
        {
            IsBackground = true,
            Name = "test helper",
        };
        _thread.Start();
    }

    public bool IsRunning => _thread.IsAlive;

    /// <summary>Waits for the end and throws what the thread threw.</summary>
    public void Join()
    {
        if (!_thread.Join(_guard))
        {
            throw new TimeoutException($"A thread of the test did not end within {_guard.TotalSeconds} s.");
        }

        var failure = _failure;
        _failure = null;
        failure?.Throw();
    }

    public void Dispose() => Join();
}

using System.Globalization;
using Baton.Soak.Faults;

namespace Baton.Soak;

/// <summary>
/// One turn of the soak: a loop on one driver with one plan of faults, on which all workers work, and which they leave clean.
/// </summary>
public sealed partial class SoakPhase
{
    private static readonly TimeSpan SampleTime = TimeSpan.FromSeconds(1);

    private readonly SoakRun _run;
    private readonly SoakDriver _driver;
    private readonly IoDriver _inner;
    private readonly FaultDriver? _faultDriver;
    private readonly List<SoakWorker> _workers = [];
    private readonly List<string> _reports = [];
    private long _end;
    private bool _isFailed;
    private (string Name, long Start)? _stage;

    internal SoakPhase(SoakRun run, SoakDriver driver, FaultPlan faults, int number)
    {
        _run = run;
        _driver = driver;
        Faults = faults;
        Number = number;
        Name = $"{driver.Name} {faults.Name}";
        _inner = driver.Create();
        _faultDriver = ReferenceEquals(faults, FaultPlan.None) ? null : new FaultDriver(_inner, faults, SeedFor("faults"));
    }

    /// <summary>The driver's name and the plan's.</summary>
    public string Name { get; }

    /// <summary>The number of the turn, from 0.</summary>
    public int Number { get; }

    /// <summary>The name of the driver below the faults.</summary>
    public string DriverName => _driver.Name;

    /// <summary>What goes wrong.</summary>
    public FaultPlan Faults { get; }

    /// <summary>The loop.</summary>
    public EventLoop Loop { get; private set; } = null!;

    /// <summary>What the certificate of TLS servers is, and how clients trust it.</summary>
    public SoakCertificate Certificate => _run.Certificate;

    /// <summary>A folder for files and local sockets, which is empty at the end.</summary>
    public string Folder => _run.Folder;

    internal long FaultCount => _faultDriver?.FaultCount ?? 0;

    private int LentBlocks => _faultDriver?.LentBlockCount ?? _inner.Blocks.LentCount;

    /// <summary>A seed for a part of the turn, by its name.</summary>
    public int SeedFor(string part)
    {
        // Not string.GetHashCode, which differs from process to process.
        var hash = unchecked(((uint)_run.Options.Seed * 0x9E3779B1) + (uint)Number);
        foreach (var character in part)
        {
            hash = unchecked((hash ^ character) * 0x01000193);
        }

        return (int)(hash & int.MaxValue);
    }

    /// <summary>Notes a failure, which ends the turn and the soak.</summary>
    public void Fail(string message)
    {
        _isFailed = true;
        _run.Fail(this, message);
    }

    /// <summary>Runs the turn on this thread.</summary>
    internal void Run()
    {
        var options = new EventLoopOptions
        {
            Name = "soak",
            Driver = (IoDriver?)_faultDriver ?? _inner,
            ExceptionHandler = (_, report) => OnReport(report),
            HandleSignals = _run.Options.HandlesSignals,
        };
        EventLoop.Run(MainAsync, options);
    }

    /// <summary>Whether a worker is to do another round.</summary>
    internal bool WantsMore(SoakWorker worker) =>
        !_isFailed && (_run.Options.Rounds is { } rounds ? worker.RoundCount < rounds : Loop.Time < _end);

    private async Coroutine MainAsync()
    {
        Loop = EventLoop.Current;
        _end = Loop.Time + (_run.Options.Turn.Ticks * TimeSpan.NanosecondsPerTick);
        var coroutines = Loop.CoroutineCount;
        var monitor = Loop.CreateTask(MonitorAsync(), "monitor");
        var workloads = _run.Options.Workloads.Where(workload => workload.WhyNot(this) is null).ToList();
        foreach (var workload in workloads)
        {
            await InStage($"starting {workload.Name}", () => Prepare(workload));
        }

        foreach (var workload in workloads)
        {
            for (var i = 0; i < workload.WorkerCount; i++)
            {
                _workers.Add(new SoakWorker(this, workload, i));
            }
        }

        await TaskGroup.Run(async Coroutine (group) =>
        {
            foreach (var worker in _workers)
            {
                _ = group.CreateTask(worker.RunAsync(), worker.Name);
            }

            await Coroutine.Yield();
        });
        foreach (var workload in workloads)
        {
            await InStage($"stopping {workload.Name}", workload.StopAsync);
        }

        monitor.Cancel();
        await Coroutine.Wait([monitor]);
        await CheckNothingIsLeftAsync(coroutines);
    }

    private async Coroutine InStage(string name, Func<Coroutine> stage)
    {
        _stage = (name, Loop.Time);
        await stage();
        _stage = null;
    }

    /// <summary>Starts what a workload shares, as often as the faults make it fail.</summary>
    private async Coroutine Prepare(Workload workload)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await workload.StartAsync(this);
                return;
            }
            catch (System.Net.Sockets.SocketException) when (Faults.MayFail && attempt < 20)
            {
                // Again.
            }
        }
    }

    private async Coroutine MonitorAsync()
    {
        var start = Loop.Time;
        var nextLine = start + (SampleTime.Ticks * TimeSpan.NanosecondsPerTick);
        var delay = 0L;
        while (true)
        {
            var due = Loop.Time + 10_000_000;
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(10));
            _run.OnAlive();
            var now = Loop.Time;
            delay = Math.Max(delay, now - due);
            if (now >= nextLine)
            {
                nextLine += SampleTime.Ticks * TimeSpan.NanosecondsPerTick;
                _run.Write(Sample(TimeSpan.FromTicks(delay / TimeSpan.NanosecondsPerTick)).ToString());
                delay = 0;
                LookForHangs(now);
            }
        }
    }

    private SoakSample Sample(TimeSpan delay) => new()
    {
        Elapsed = _run.Elapsed,
        Phase = Name,
        Tasks = Loop.TaskCount,
        Coroutines = Loop.CoroutineCount,
        Timers = Loop.TimerCount,
        Sockets = _inner.OpenSocketCount,
        Blocks = LentBlocks,
        LoopDelay = delay,
        Operations =
        [
            .. _workers.GroupBy(worker => worker.Name[..worker.Name.LastIndexOf('-')])
                .Select(group => (group.Key, group.Sum(worker => worker.RoundCount))),
        ],
    };

    private void LookForHangs(long now)
    {
        var limit = _run.Options.RoundLimit.Ticks * TimeSpan.NanosecondsPerTick;
        var hanging = _workers.Where(worker => now - worker.RoundStart > limit).Select(worker => worker.Name).ToList();
        if (_stage is { } stage && now - stage.Start > limit)
        {
            hanging.Add(stage.Name);
        }

        if (hanging.Count > 0 && !_isFailed)
        {
            Fail(string.Create(
                CultureInfo.InvariantCulture,
                $"{string.Join(", ", hanging)}: this has lasted more than " +
                $"{_run.Options.RoundLimit.TotalSeconds} s. The tasks:\n{Loop.FormatTaskTree()}"));
            foreach (var task in Loop.AllTasks())
            {
                task.Cancel();
            }
        }
    }

    private void OnReport(LoopExceptionContext report)
    {
        var isExcused = Faults.MayFail && report.Message.StartsWith("Cannot accept connections", StringComparison.Ordinal);
        if (!isExcused)
        {
            _reports.Add(report.ToString());
            Fail($"Reported to the exception handler: {report}");
        }
    }

    internal IReadOnlyList<(string Name, long Rounds, long Excused)> Results() =>
    [
        .. _workers.GroupBy(worker => worker.Name[..worker.Name.LastIndexOf('-')])
            .Select(group => (group.Key, group.Sum(worker => worker.RoundCount), group.Sum(worker => worker.ExcusedCount))),
    ];
}

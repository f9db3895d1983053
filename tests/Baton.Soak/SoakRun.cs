using System.Diagnostics;
using System.Globalization;
using Baton.Soak.Faults;

namespace Baton.Soak;

/// <summary>
/// Does all kinds of work on one driver after the other, with and without faults, and sees to it that everything comes to its end, that
/// nothing received differs from what was sent, and that nothing is left.
/// </summary>
public sealed class SoakRun : IDisposable
{
    private const double Megabyte = 1 << 20;

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<string> _failures = [];
    private readonly Dictionary<string, (long Rounds, long Excused)> _results = [];
    private SortedDictionary<int, string> _descriptors = [];
    private long _lastAlive;
    private long _warmHeap;
    private long _faults;

    /// <summary>Prepares a soak.</summary>
    public SoakRun(SoakOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Options = options;
        Folder = Directory.CreateTempSubdirectory("baton-soak-").FullName;
    }

    /// <summary>What it does.</summary>
    public SoakOptions Options { get; }

    /// <summary>What went wrong. Empty after a soak that went well.</summary>
    public IReadOnlyList<string> Failures => _failures;

    /// <summary>The rounds that each workload has done, and how many of them the faults ended.</summary>
    public IReadOnlyDictionary<string, (long Rounds, long Excused)> Results => _results;

    internal SoakCertificate Certificate { get; } = new();

    internal string Folder { get; }

    internal TimeSpan Elapsed => _clock.Elapsed;

    /// <summary>The time since a loop showed that it lives.</summary>
    public TimeSpan Silence => _clock.Elapsed - TimeSpan.FromTicks(Volatile.Read(ref _lastAlive));

    /// <summary>Runs it on this thread.</summary>
    /// <returns>Whether all went well.</returns>
    public bool Run()
    {
        Write($"seed {Options.Seed}");
        var plan = Options.Drivers.SelectMany(driver => Options.Plans.Select(faults => (driver, faults))).ToList();
        var number = 0;
        do
        {
            foreach (var (driver, faults) in plan)
            {
                RunPhase(driver, faults, number++);
                if (_failures.Count > 0)
                {
                    WriteFailures();
                    return false;
                }

                if (number > plan.Count && Elapsed >= Options.Duration)
                {
                    break;
                }
            }

            if (number == plan.Count)
            {
                NoteWarmHeap();
            }
        }
        while (Elapsed < Options.Duration);

        CheckHeap();
        WriteResults(number);
        return _failures.Count == 0;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Certificate.Dispose();
        Directory.Delete(Folder, recursive: true);
    }

    internal void OnAlive() => Volatile.Write(ref _lastAlive, _clock.Elapsed.Ticks);

    internal void Write(string line) => Options.Output.WriteLine(line);

    internal void Fail(SoakPhase phase, string message)
    {
        _failures.Add($"[{phase.Name}, turn {phase.Number}] {message}");
        Write(_failures[^1]);
    }

    private void RunPhase(SoakDriver driver, FaultPlan faults, int number)
    {
        OnAlive();
        var phase = new SoakPhase(this, driver, faults, number);
        try
        {
            phase.Run();
        }
        catch (CancelledException) when (_failures.Count > 0)
        {
            // By itself, because something hung.
        }

        foreach (var (name, rounds, excused) in phase.Results())
        {
            var before = _results.GetValueOrDefault(name);
            _results[name] = (before.Rounds + rounds, before.Excused + excused);
        }

        _faults += phase.FaultCount;
        if (_failures.Count == 0)
        {
            if (Directory.EnumerateFileSystemEntries(Folder).FirstOrDefault() is { } file)
            {
                Fail(phase, $"Left at the end: the file {file}.");
            }

            if (Options.ChecksProcess && ProcessCounters.AreThere)
            {
                CheckProcess(phase);
            }
        }
    }

    /// <summary>
    /// What the process had before the turn it has afterwards, and no more. In the first turn of each driver the runtime opens descriptors
    /// that it keeps.
    /// </summary>
    private void CheckProcess(SoakPhase phase)
    {
        // Threads of the BCL's may be about to close what they were told to.
        var isFirst = phase.Number < Options.Drivers.Count * Options.Plans.Count;
        SortedDictionary<int, string> descriptors;
        List<string> threads;
        var deadline = Elapsed + TimeSpan.FromSeconds(10);
        do
        {
            descriptors = ProcessCounters.Descriptors();
            threads = ProcessCounters.Threads("soak ");
        }
        while ((threads.Count > 0 || (!isFirst && descriptors.Count > _descriptors.Count)) && Elapsed < deadline && Wait());

        if (!isFirst && descriptors.Count > _descriptors.Count)
        {
            var left = descriptors.Where(entry => !_descriptors.ContainsKey(entry.Key)).Select(entry => $"{entry.Key} {entry.Value}");
            Fail(phase, $"{descriptors.Count} descriptors are open instead of {_descriptors.Count}: {string.Join(", ", left)}.");
        }

        if (threads.Count > 0)
        {
            Fail(phase, $"Threads are left: {string.Join(", ", threads)}.");
        }

        if (ProcessCounters.Children() is { Count: > 0 } children)
        {
            Fail(phase, $"Children are left: {string.Join(", ", children)}.");
        }

        if (isFirst)
        {
            _descriptors = descriptors;
        }

        static bool Wait()
        {
            Thread.Sleep(10);
            return true;
        }
    }

    private void NoteWarmHeap()
    {
        _warmHeap = MeasureHeap();
        Write(string.Create(
            CultureInfo.InvariantCulture,
            $"{Elapsed.TotalSeconds,5:0}s warm: heap {_warmHeap / Megabyte:0.00} MB after a full collection"));
    }

    private void CheckHeap()
    {
        if (!Options.ChecksProcess)
        {
            return;
        }

        var heap = MeasureHeap();
        var growth = heap - _warmHeap;
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"heap {heap / Megabyte:0.00} MB after a full collection, {growth / Megabyte:+0.00;-0.00} MB since it was warm " +
            $"(limit {Options.HeapGrowthLimit / Megabyte:0.00} MB)");
        Write(text);
        if (growth > Options.HeapGrowthLimit)
        {
            _failures.Add($"Memory leaks: {text}.");
            WriteFailures();
        }
    }

    private static long MeasureHeap()
    {
        // Twice: what finalizers let go of goes with the second.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private void WriteResults(int turns)
    {
        foreach (var (name, (rounds, excused)) in _results)
        {
            Write($"{name,-16} {rounds,9} rounds{(excused > 0 ? $", {excused} of them ended by faults" : "")}");
        }

        Write(string.Create(
            CultureInfo.InvariantCulture,
            $"{turns} turns in {Elapsed.TotalSeconds:0} s, {_results.Values.Sum(result => result.Rounds)} rounds, {_faults} faults; " +
            $"nothing is left. Seed {Options.Seed}."));
    }

    private void WriteFailures() => Write(
        $"FAILED with seed {Options.Seed}. The first of {_failures.Count}, which are above: {_failures[0].Split('\n')[0]}");
}

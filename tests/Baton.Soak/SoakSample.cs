using System.Globalization;

namespace Baton.Soak;

/// <summary>What was counted at one moment.</summary>
internal sealed record SoakSample
{
    private const double Megabyte = 1 << 20;

    internal required TimeSpan Elapsed { get; init; }

    internal required string Phase { get; init; }

    internal required int Tasks { get; init; }

    internal required int Coroutines { get; init; }

    internal required int Timers { get; init; }

    internal required int Sockets { get; init; }

    internal required int Blocks { get; init; }

    internal required TimeSpan LoopDelay { get; init; }

    internal required IReadOnlyList<(string Name, long Count)> Operations { get; init; }

    internal int Descriptors { get; } = ProcessCounters.AreThere ? ProcessCounters.DescriptorCount() : 0;

    internal int Threads { get; } = ProcessCounters.AreThere ? ProcessCounters.ThreadCount() : 0;

    internal int Children { get; } = ProcessCounters.AreThere ? ProcessCounters.Children().Count : 0;

    internal long Heap { get; } = GC.GetTotalMemory(forceFullCollection: false);

    internal long WorkingSet { get; } = Environment.WorkingSet;

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Elapsed.TotalSeconds,5:0}s {Phase,-15} tasks {Tasks,3}  boxes {Coroutines,3}  timers {Timers,3}  sockets {Sockets,3}  " +
        $"fds {Descriptors,3}  blocks {Blocks,3}  children {Children,2}  threads {Threads,2}  heap {Heap / Megabyte,5:0.0} MB  " +
        $"rss {WorkingSet / Megabyte,3:0} MB  delay {LoopDelay.TotalMilliseconds,5:0.0} ms  " +
        $"rounds {Operations.Sum(entry => entry.Count)}:{string.Concat(Operations.Select(entry => $" {entry.Name} {entry.Count}"))}");
}

using Baton.Soak.Faults;

namespace Baton.Soak;

/// <summary>What a soak does.</summary>
public sealed record SoakOptions
{
    /// <summary>From which everything that is left to chance follows, as far as the kernel allows.</summary>
    public required int Seed { get; init; }

    /// <summary>The drivers, by name, and how each is made. They take turns.</summary>
    public required IReadOnlyList<SoakDriver> Drivers { get; init; }

    /// <summary>What goes wrong. They take turns on each driver.</summary>
    public IReadOnlyList<FaultPlan> Plans { get; init; } = [FaultPlan.None, FaultPlan.Subtle, FaultPlan.Harsh];

    /// <summary>What is done.</summary>
    public IReadOnlyList<Workload> Workloads { get; init; } = Soak.Workloads.All.Create();

    /// <summary>How long to go on; null for one turn of each driver and plan.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>How long a turn is; without effect where <see cref="Rounds"/> is set.</summary>
    public TimeSpan Turn { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How many rounds each worker does in a turn; null for as many as fit in <see cref="Turn"/>.</summary>
    public int? Rounds { get; init; }

    /// <summary>A round that takes longer hangs. Far beyond what any needs.</summary>
    public TimeSpan RoundLimit { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How long after the last round something may still be about to end.</summary>
    public TimeSpan SettleLimit { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Whether to check the counters of the whole process, too: its descriptors, threads, children and memory. Not where something else
    /// goes on in it.
    /// </summary>
    public bool ChecksProcess { get; init; } = true;

    /// <summary>By how many bytes the heap may be larger at the end than after the first turn of everything.</summary>
    public long HeapGrowthLimit { get; init; } = 4 << 20;

    /// <summary>Where the lines go.</summary>
    public TextWriter Output { get; init; } = TextWriter.Null;

    /// <summary>Whether SIGINT and SIGTERM end it.</summary>
    public bool HandlesSignals { get; init; }
}

/// <summary>A driver to run on.</summary>
/// <param name="Name">What lines and messages call it.</param>
/// <param name="Create">Makes one.</param>
public sealed record SoakDriver(string Name, Func<IoDriver> Create);

namespace Baton.Soak;

/// <summary>
/// One kind of work: what its workers do again and again, by chance. A class in the folder <c>Workloads</c>, named in
/// <see cref="Soak.Workloads.All"/>.
/// </summary>
public abstract class Workload
{
    /// <summary>What lines and messages call it.</summary>
    public abstract string Name { get; }

    /// <summary>How many workers do it at once.</summary>
    public virtual int WorkerCount => 2;

    /// <summary>Whether it can be done here: null, or why not.</summary>
    public virtual string? WhyNot(SoakPhase phase) => null;

    /// <summary>Prepares what the workers share, such as a server.</summary>
    public virtual Coroutine StartAsync(SoakPhase phase) => default;

    /// <summary>
    /// Does one round of the work, and leaves nothing behind. What it throws is a failure of the soak, unless the faults of the phase
    /// excuse it.
    /// </summary>
    public abstract Coroutine RunAsync(SoakWorker worker);

    /// <summary>Ends what <see cref="StartAsync"/> has prepared.</summary>
    public virtual Coroutine StopAsync() => default;
}

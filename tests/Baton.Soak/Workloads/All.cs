namespace Baton.Soak.Workloads;

/// <summary>Every kind of work that there is.</summary>
public static class All
{
    /// <summary>Makes one of each.</summary>
    public static IReadOnlyList<Workload> Create() =>
    [
        .. Enum.GetValues<StreamKind>().Select(kind => new StreamWorkload(kind)),
    ];
}

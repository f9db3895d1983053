namespace Baton;

/// <summary>How a <see cref="TaskGroup"/> behaves. Everything has a default.</summary>
public sealed class TaskGroupOptions
{
    /// <summary>The group's name in reports.</summary>
    public string? Name { get; init; }

    /// <summary>
    /// Whether the failure of one task leaves the others alone: a supervisor. The failures are thrown together when all have ended, or go
    /// to <see cref="TaskFailed"/> as they come. False unless set.
    /// </summary>
    public bool Supervise { get; init; }

    /// <summary>
    /// For a group that supervises: called with each task that fails and its exception, from the loop, instead of keeping the failure for
    /// the end. If it throws, the group fails.
    /// </summary>
    public Action<LoopTask, Exception>? TaskFailed { get; init; }

    /// <summary>
    /// How long a group waits for tasks that it has cancelled before it reports which have not ended, and where they are suspended; then
    /// again after twice the time, and so on. Ten seconds unless set; <see cref="Timeout.InfiniteTimeSpan"/> for never.
    /// </summary>
    public TimeSpan ReportStuckAfter { get; init; } = TimeSpan.FromSeconds(10);
}

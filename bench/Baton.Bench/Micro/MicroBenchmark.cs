namespace Baton.Bench.Micro;

/// <summary>One micro benchmark: how to do something many times with Baton, and the same with the BCL.</summary>
/// <param name="Name">The name in reports; the BCL's half has the suffix <c>-bcl</c>.</param>
/// <param name="Description">What one operation is.</param>
/// <param name="Operations">How many operations one call of either half does.</param>
/// <param name="Baton">Our half, called on a running loop.</param>
/// <param name="Bcl">The other half, called on a thread without a loop.</param>
internal sealed record MicroBenchmark(
    string Name,
    string Description,
    int Operations,
    Func<int, Coroutine> Baton,
    Func<int, Task> Bcl)
{
    /// <summary>Sets up what is there but not measured, such as a million live timers, on the loop; disposed of afterwards.</summary>
    public Func<IDisposable>? SetUpBaton { get; init; }

    /// <summary>The same for the BCL's half.</summary>
    public Func<IDisposable>? SetUpBcl { get; init; }
}

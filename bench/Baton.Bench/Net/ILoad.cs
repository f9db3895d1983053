namespace Baton.Bench.Net;

/// <summary>
/// A closed loop of requests, running on one thread: every connection has one request under way and begins the next when that has ended.
/// It is the same for all servers of a benchmark, and cheaper than the fastest of them.
/// </summary>
internal interface ILoad : IDisposable
{
    /// <summary>The requests that have ended since it was last cleared.</summary>
    LatencyHistogram Latencies { get; }

    /// <summary>Begins a first request on every connection.</summary>
    void Start();

    /// <summary>Keeps every connection busy for a while; requests that end meanwhile are recorded.</summary>
    void RunFor(TimeSpan duration);

    /// <summary>Begins nothing more and waits for what is under way: afterwards every request begun has been recorded.</summary>
    void Drain();
}

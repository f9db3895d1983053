namespace Baton.Bench.Net;

/// <summary>How the load generator observes its window.</summary>
internal enum LoadMode
{
    /// <summary>Times it, in full flight: it begins and ends between two requests while all connections are busy.</summary>
    Timed,

    /// <summary>The same, with the kernel counting the server's system calls; the times then mean little.</summary>
    Counted,

    /// <summary>
    /// Stops after the warm-up, waits for the word to go, and ends the window when every request is answered. Nothing is under way before
    /// and after, so that a tracer attached in between sees exactly the requests reported.
    /// </summary>
    Bracketed,
}

/// <summary>What the load generator is to do.</summary>
/// <param name="Connections">How many connections are kept busy.</param>
/// <param name="Warmup">For how long before the window.</param>
/// <param name="Window">For how long while measuring.</param>
/// <param name="Mode">How the window is observed.</param>
internal sealed record LoadPlan(int Connections, TimeSpan Warmup, TimeSpan Window, LoadMode Mode = LoadMode.Timed);

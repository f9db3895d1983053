namespace Baton;

/// <summary>What debug mode does about code that blocks the loop's thread. See <see cref="EventLoopOptions.BlockingWaits"/>.</summary>
public enum BlockingWaits
{
    /// <summary>Warns, once for each place in the program, before the thread blocks: it may never come back.</summary>
    Report,

    /// <summary>Throws an <see cref="InvalidOperationException"/> at the spot, instead of blocking.</summary>
    Throw,

    /// <summary>Does nothing.</summary>
    Ignore,
}

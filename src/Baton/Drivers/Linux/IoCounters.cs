namespace Baton.Drivers;

/// <summary>The running counts behind <see cref="IoStatistics"/>. Touched by the loop thread alone.</summary>
internal struct IoCounters
{
    internal long Waits;
    internal long Events;
    internal long Registrations;
    internal long Receives;
    internal long Sends;
    internal long VectoredSends;
    internal long Accepts;
    internal long Connects;
    internal long Others;

    internal readonly IoStatistics ToStatistics(long wakes) =>
        new(Waits, Events, Registrations, Receives, Sends, VectoredSends, Accepts, Connects, wakes, Others);
}

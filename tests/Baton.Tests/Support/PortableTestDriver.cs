using Baton.Drivers;

namespace Baton.Tests;

/// <summary>The portable driver, in time that passes only when nothing else happens where there is a clock for that.</summary>
public sealed class PortableTestDriver(VirtualClock? clock = null) : PortableDriver
{
    // Long enough for a thread of the BCL to report what it has been told; then the loop looks again.
    private const long RealTime = 20_000_000;

    /// <summary>Waits that the BCL holds.</summary>
    public int PendingWaits => WaitsInFlight;

    /// <summary>Whether nothing has happened of which the loop has not been told.</summary>
    public bool IsQuiet => !IsCompletionDue();

    protected override void Wait(long timeout)
    {
        if (clock is null || timeout < 0)
        {
            base.Wait(timeout);
        }
        else if (IsCompletionDue())
        {
            base.Wait(RealTime);
        }
        else
        {
            clock.Advance(timeout);
        }
    }
}

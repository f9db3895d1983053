namespace Fetch;

/// <summary>Times of the loop's clock for people.</summary>
internal static class Durations
{
    /// <summary>The loop counts nanoseconds, a <see cref="TimeSpan"/> hundreds of them.</summary>
    public static TimeSpan FromNanoseconds(long nanoseconds) => TimeSpan.FromTicks(nanoseconds / TimeSpan.NanosecondsPerTick);

    public static string Milliseconds(long nanoseconds) => $"{nanoseconds / 1e6:N1} ms";
}

using Microsoft.Extensions.Logging;

namespace Baton;

internal static partial class LoopLog
{
    private static int s_hasFallenBack;

    /// <summary>Once for the whole process: every loop of it would say the same.</summary>
    internal static void LogFallback(ILogger logger, string loop, string driver, string reason)
    {
        if (logger.IsEnabled(LogLevel.Warning) && Interlocked.Exchange(ref s_hasFallenBack, 1) == 0)
        {
            DriverFellBack(logger, loop, driver, reason);
        }
    }

    [LoggerMessage(
        15, LogLevel.Warning, "[{Loop}] io_uring was asked for, and cannot be used: {Reason}. The event loop uses the driver {Driver} instead.")]
    private static partial void DriverFellBack(ILogger logger, string loop, string driver, string reason);
}

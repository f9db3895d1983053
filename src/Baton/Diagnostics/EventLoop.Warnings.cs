using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Baton;

public sealed partial class EventLoop
{
    private readonly GuardedLogger _logger;

    /// <summary>
    /// Called with everything that debug mode warns of, on the loop's thread, and with an unclosed loop, on the finalizer's. Null logs the
    /// warnings, and where there is no <see cref="LoggerFactory"/> either, writes them to the standard error stream.
    /// </summary>
    public Action<EventLoop, LoopWarning>? WarningHandler { get; set; }

    /// <summary>
    /// What makes the loop's loggers; one that logs nothing unless <see cref="EventLoopOptions.LoggerFactory"/> was given.
    /// </summary>
    public ILoggerFactory LoggerFactory { get; }

    /// <summary>The loop's own logger.</summary>
    internal ILogger Logger => _logger;

    internal void Warn(LoopWarning warning)
    {
        var wasReporting = SetReporting(true);
        try
        {
            if (WarningHandler is { } handler)
            {
                handler(this, warning);
            }
            else if (_logger.IsEnabled(LogLevel.Warning))
            {
                LoopLog.Warn(_logger, Name, warning);
            }
            else if (LoggerFactory is NullLoggerFactory)
            {
                WriteReport($"[{Name}] warning: {warning}");
            }
        }
        catch (Exception exception)
        {
            ReportByDefault(
                new LoopExceptionContext($"Unhandled error in warning handler, which was to be told: {warning}") { Exception = exception });
        }
        finally
        {
            SetReporting(wasReporting);
        }
    }

    /// <summary>
    /// Says whether a report is being made, in which handlers, loggers and the console may block. Returns whether one was.
    /// </summary>
    private bool SetReporting(bool value)
    {
        if (!IsOnLoopThread || _debug is not { } debug)
        {
            return false;
        }

        var before = debug.IsReporting;
        debug.IsReporting = value;
        return before;
    }
}

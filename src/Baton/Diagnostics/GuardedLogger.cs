using Microsoft.Extensions.Logging;

namespace Baton;

/// <summary>
/// A logger that never throws: what the other one fails to take goes to the standard error stream. Nothing of the loop may break by its
/// being logged.
/// </summary>
internal sealed class GuardedLogger(ILogger logger, Action<string> write) : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => logger.BeginScope(state);

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return logger.IsEnabled(logLevel);
        }
        catch (Exception)
        {
            // Nothing is lost by asking it to log.
            return true;
        }
    }

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            logger.Log(logLevel, eventId, state, exception, formatter);
        }
        catch (Exception failure)
        {
            write($"{formatter(state, exception)}{(exception is null ? "" : $": {exception}")}\nThe logger could not take this: {failure}");
        }
    }
}

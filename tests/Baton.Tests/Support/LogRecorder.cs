using Microsoft.Extensions.Logging;

namespace Baton.Tests;

/// <summary>Keeps what is logged from a level on.</summary>
internal sealed class LogRecorder(LogLevel least = LogLevel.Trace) : ILoggerFactory, ILogger
{
    internal List<(LogLevel Level, int Id, string Text, Exception? Exception)> Entries { get; } = [];

    internal List<string> Categories { get; } = [];

    internal IEnumerable<string> Lines => Entries.Select(entry => $"{entry.Level} {entry.Id}: {entry.Text}");

    public ILogger CreateLogger(string categoryName)
    {
        Categories.Add(categoryName);
        return this;
    }

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public void Dispose()
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            Entries.Add((logLevel, eventId.Id, formatter(state, exception), exception));
        }
    }
}

using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;

namespace Baton;

public sealed partial class EventLoop
{
    private const int MaximumUnwrittenReports = 100;

    // Concurrent because a failure may be reported from any thread.
    private readonly ConcurrentQueue<string> _unwrittenReports = new();

    /// <summary>
    /// Called with every failure that reached nobody: a callback that threw, a failed task at which nobody looked. Null writes them to the standard error
    /// stream. If it throws, both failures are written there. Corresponds to <c>loop.set_exception_handler</c>.
    /// </summary>
    public Action<EventLoop, LoopExceptionContext>? ExceptionHandler { get; set; }

    /// <summary>Failures at which nobody has looked yet. Added to and removed from on the loop thread.</summary>
    internal HashSet<UnretrievedFailure.Record> UnretrievedFailures { get; } = [];

    /// <summary>Reports a failure that nobody awaits, to the exception handler. Corresponds to <c>loop.call_exception_handler</c>.</summary>
    /// <param name="message">What happened, in a sentence.</param>
    /// <param name="exception">The exception, where there is one.</param>
    /// <param name="future">The task or future involved, where there is one.</param>
    /// <param name="source">What else was involved, such as a connection.</param>
    public void ReportException(string message, Exception? exception, Future? future = null, object? source = null) =>
        ReportException(new LoopExceptionContext(message) { Exception = exception, Future = future, Source = source });

    /// <inheritdoc cref="ReportException(string, Exception?, Future?, object?)"/>
    public void ReportException(LoopExceptionContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        if (ExceptionHandler is not { } handler)
        {
            ReportByDefault(context);
            return;
        }

        try
        {
            handler(this, context);
        }
        catch (Exception exception)
        {
            ReportByDefault(new LoopExceptionContext("The exception handler itself failed") { Exception = exception });
            ReportByDefault(context);
        }
    }

    /// <summary>Keeps a failure until somebody looks at it.</summary>
    internal object TrackFailure(ExceptionDispatchInfo failure, Future future) => new UnretrievedFailure(this, failure, future.ToString());

    private void ReportByDefault(LoopExceptionContext context)
    {
        _unwrittenReports.Enqueue($"[{Name}] {context}");
        WriteReports();
    }

    /// <summary>
    /// Writes the reports that are left. Where the standard error stream does not take them, they wait for the next report or for the end: it may need a
    /// descriptor to be opened, of which there is none just when there is that to report, and whoever reports must not fail by it.
    /// </summary>
    private void WriteReports()
    {
        try
        {
            while (_unwrittenReports.TryPeek(out var report))
            {
                Console.Error.WriteLine(report);
                _unwrittenReports.TryDequeue(out _);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ObjectDisposedException)
        {
            if (_unwrittenReports.Count > MaximumUnwrittenReports)
            {
                _unwrittenReports.TryDequeue(out _);
            }
        }
    }

    private void ReportFailedItem(LoopItem item, Exception exception)
    {
        var what = RunningCallback is { } callback ? $"callback {NameOf(callback, RunningCallbackState)}" : item.Describe();
        RunningCallback = null;
        RunningCallbackState = null;
        ReportException($"Exception in {what}", exception, CurrentTask);
    }
}

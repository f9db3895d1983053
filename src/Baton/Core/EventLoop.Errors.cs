using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;

namespace Baton;

public sealed partial class EventLoop
{
    private const int MaximumUnwrittenReports = 100;

    // Concurrent because a failure may be reported from any thread.
    private readonly ConcurrentQueue<string> _unwrittenReports = new();

    /// <summary>
    /// Called with every failure that reached nobody: a callback that threw, a failed task at which nobody looked. Null writes them to the
    /// standard error stream, or logs them where there is a <see cref="LoggerFactory"/>. Runs in the execution context of the task or
    /// callback involved. If it throws, both failures are reported as if it were null. Corresponds to <c>loop.set_exception_handler</c>.
    /// </summary>
    public Action<EventLoop, LoopExceptionContext>? ExceptionHandler { get; set; }

    /// <summary>Failures at which nobody has looked yet. Added to and removed from on the loop thread.</summary>
    internal HashSet<UnretrievedFailure.Record> UnretrievedFailures { get; } = [];

    /// <summary>
    /// Reports a failure that nobody awaits, to the exception handler. Corresponds to <c>loop.call_exception_handler</c>.
    /// </summary>
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
        context.Complete(IsDebug);
        var wasReporting = SetReporting(true);
        try
        {
            CallHandler(context);
        }
        finally
        {
            SetReporting(wasReporting);
        }
    }

    private void CallHandler(LoopExceptionContext context)
    {
        if (ExceptionHandler is not { } handler)
        {
            ReportByDefault(context);
            return;
        }

        try
        {
            if (ContextFor(context) is { } executionContext)
            {
                ExecutionContext.Run(executionContext, _ => handler(this, context), null);
            }
            else
            {
                handler(this, context);
            }
        }
        catch (Exception exception)
        {
            ReportByDefault(new LoopExceptionContext("Unhandled error in exception handler") { Exception = exception });
            ReportByDefault(context);
        }
    }

    /// <summary>Keeps a failure until somebody looks at it.</summary>
    internal object TrackFailure(ExceptionDispatchInfo failure, Future future) => new UnretrievedFailure(this, failure, future);

    /// <summary>
    /// The execution context in which to call a handler, as in asyncio that of the task involved; null where it holds already.
    /// </summary>
    private ExecutionContext? ContextFor(LoopExceptionContext context) =>
        context.ExecutionContext
        ?? (IsOnLoopThread && context.Future is LoopTask { IsDone: false } task && !ReferenceEquals(task, CurrentTask)
            ? task.OutermostContext
            : null);

    private void ReportByDefault(LoopExceptionContext context)
    {
        if (_logger.IsEnabled(LogLevel.Error))
        {
            LoopLog.Failure(_logger, Name, context.Describe(), context.Exception);
            return;
        }

        WriteReport($"[{Name}] {context}");
    }

    private void WriteReport(string report)
    {
        _unwrittenReports.Enqueue(report);
        WriteReports();
    }

    /// <summary>
    /// Writes the reports that are left. Where the standard error stream does not take them, they wait for the next report or for the end:
    /// it may need a descriptor to be opened, of which there is none just when there is that to report, and whoever reports must not fail
    /// by it.
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
        var callback = RunningCallback;
        var state = RunningCallbackState;
        RunningCallback = null;
        RunningCallbackState = null;
        var isAction = ReferenceEquals(callback, CallbackItem.RunAction);
        var what = callback is null ? item.Describe()
            : !IsDebug || isAction ? $"callback {NameOf(callback, state)}"
            : $"callback {NameOf(callback)} with {Future.Text(state)}"; // What is passed may be confidential: only in debug mode.
        ReportException(new LoopExceptionContext($"Exception in {what}")
        {
            Exception = exception,
            Future = CurrentTask,
            Callback = isAction ? state as Delegate : callback,
            HandleTraceback = callback is null ? null : item.Origin,
        });
    }
}

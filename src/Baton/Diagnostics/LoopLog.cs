using Microsoft.Extensions.Logging;

namespace Baton;

/// <summary>
/// Everything that a loop logs, under the category <c>Baton.EventLoop</c>. The numbers of the events do not change;
/// <c>docs/debugging.md</c> lists them.
/// </summary>
internal static partial class LoopLog
{
    internal const string Category = "Baton.EventLoop";

    [LoggerMessage(1, LogLevel.Error, "[{Loop}] {Failure}")]
    internal static partial void Failure(ILogger logger, string loop, string failure, Exception? exception);

    [LoggerMessage(2, LogLevel.Warning, "[{Loop}] {Warning}")]
    internal static partial void SlowCallback(ILogger logger, string loop, string warning);

    [LoggerMessage(3, LogLevel.Warning, "[{Loop}] {Warning}")]
    internal static partial void BlockingWait(ILogger logger, string loop, string warning);

    [LoggerMessage(4, LogLevel.Warning, "[{Loop}] {Warning}")]
    internal static partial void NeverAwaited(ILogger logger, string loop, string warning);

    [LoggerMessage(5, LogLevel.Warning, "[{Loop}] {Warning}")]
    internal static partial void UnclosedResource(ILogger logger, string loop, string warning);

    [LoggerMessage(6, LogLevel.Warning, "[{Loop}] {Warning}")]
    internal static partial void UnclosedLoop(ILogger logger, string loop, string warning);

    [LoggerMessage(7, LogLevel.Warning, "[{Loop}] The event loop was closed with {Count} sockets open. Debug mode (BATON_DEBUG=1) tells where they were made.")]
    internal static partial void SocketsLeftOpen(ILogger logger, string loop, int count);

    [LoggerMessage(8, LogLevel.Warning, "[{Loop}] {Warning}")]
    internal static partial void LostWrites(ILogger logger, string loop, string warning);

    [LoggerMessage(9, LogLevel.Warning, "[{Loop}] {Warning}")]
    internal static partial void LostExitStatus(ILogger logger, string loop, string warning);

    [LoggerMessage(10, LogLevel.Debug, "[{Loop}] The event loop uses the driver {Driver}.")]
    internal static partial void DriverChosen(ILogger logger, string loop, string driver);

    [LoggerMessage(11, LogLevel.Debug, "[{Loop}] The event loop runs.")]
    internal static partial void Started(ILogger logger, string loop);

    [LoggerMessage(12, LogLevel.Debug, "[{Loop}] The event loop has stopped.")]
    internal static partial void Stopped(ILogger logger, string loop);

    [LoggerMessage(13, LogLevel.Debug, "[{Loop}] The event loop is closed.")]
    internal static partial void Closed(ILogger logger, string loop);

    [LoggerMessage(14, LogLevel.Debug, "[{Loop}] Debug mode is {State}.")]
    internal static partial void DebugMode(ILogger logger, string loop, string state);

    [LoggerMessage(20, LogLevel.Information, "[{Loop}] Received {Signal}: cancelling the main task.")]
    internal static partial void SignalReceived(ILogger logger, string loop, string signal);

    [LoggerMessage(30, LogLevel.Warning, "[{Loop}] {Server} could not accept a connection, which is lost.")]
    internal static partial void AcceptFailed(ILogger logger, string loop, string server, Exception exception);

    [LoggerMessage(31, LogLevel.Warning, "[{Loop}] The socket at {Path} is closed, and its file could not be deleted.")]
    internal static partial void SocketFileLeft(ILogger logger, string loop, string path, Exception exception);

    [LoggerMessage(40, LogLevel.Debug, "[{Loop}] Looking up {Subject} took {Milliseconds:0.###} ms: {Outcome}")]
    internal static partial void LookUp(ILogger logger, string loop, object subject, double milliseconds, string outcome);

    [LoggerMessage(41, LogLevel.Information, "[{Loop}] Looking up {Subject} took {Milliseconds:0.###} ms: {Outcome}")]
    internal static partial void SlowLookUp(ILogger logger, string loop, object subject, double milliseconds, string outcome);

    [LoggerMessage(36, LogLevel.Information, "[{Loop}] {Server} could not agree with a client on TLS.")]
    internal static partial void HandshakeFailed(ILogger logger, string loop, string server, Exception exception);

    internal static void Warn(ILogger logger, string loop, LoopWarning warning)
    {
        var text = warning.ToString();
        switch (warning.Kind)
        {
            case LoopWarningKind.SlowCallback:
                SlowCallback(logger, loop, text);
                break;
            case LoopWarningKind.BlockingWait:
                BlockingWait(logger, loop, text);
                break;
            case LoopWarningKind.NeverAwaited:
                NeverAwaited(logger, loop, text);
                break;
            case LoopWarningKind.UnclosedResource:
                UnclosedResource(logger, loop, text);
                break;
            case LoopWarningKind.LostWrites:
                LostWrites(logger, loop, text);
                break;
            case LoopWarningKind.LostExitStatus:
                LostExitStatus(logger, loop, text);
                break;
            default:
                UnclosedLoop(logger, loop, text);
                break;
        }
    }
}

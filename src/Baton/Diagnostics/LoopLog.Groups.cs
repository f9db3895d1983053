using Microsoft.Extensions.Logging;

namespace Baton;

internal static partial class LoopLog
{
    [LoggerMessage(50, LogLevel.Debug, "[{Loop}] The event loop's thread is pinned to processor {Processor}.")]
    internal static partial void ThreadPinned(ILogger logger, string loop, int processor);

    [LoggerMessage(51, LogLevel.Warning, "[{Loop}] The event loop's thread was to be pinned to a processor, and is not: {Reason}.")]
    internal static partial void ThreadNotPinned(ILogger logger, string loop, string reason);
}

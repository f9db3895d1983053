using Microsoft.Extensions.Logging;

namespace Baton;

internal static partial class LoopLog
{
    [LoggerMessage(37, LogLevel.Debug, "[{Loop}] The {Transport} failed.")]
    internal static partial void TransportFailed(ILogger logger, string loop, string transport, Exception exception);
}

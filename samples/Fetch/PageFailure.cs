using System.Net.Sockets;
using System.Security.Authentication;

namespace Fetch;

/// <summary>Why a page was not fetched: a kind to count by, and one line for people.</summary>
internal sealed record PageFailure(string Kind, string Message)
{
    public static PageFailure Malformed(PageAddress address) => new("malformed", address.Problem!);

    public static PageFailure TimedOut(TimeSpan limit) => new("timed out", $"no complete answer within {limit.TotalSeconds:0.###} s");

    public static PageFailure From(HttpResponseMessage response) =>
        new($"HTTP {(int)response.StatusCode}", response.ReasonPhrase ?? response.StatusCode.ToString());

    /// <summary>
    /// Finds the cause in an exception: <see cref="HttpClient"/> wraps what the socket or the TLS layer said, sometimes more than once.
    /// </summary>
    public static PageFailure From(Exception exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case SocketException socket:
                    return new PageFailure(KindOf(socket.SocketErrorCode), FirstLine(socket));
                case AuthenticationException:
                    return new PageFailure("TLS", FirstLine(cause));
                case HttpIOException { HttpRequestError: HttpRequestError.ResponseEnded }:
                    return new PageFailure("connection lost", "the server closed the connection before the answer was complete");
                case HttpIOException or HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse }:
                    return new PageFailure("bad answer", FirstLine(cause));
            }
        }

        return new PageFailure("other", FirstLine(exception));
    }

    private static string KindOf(SocketError error) => error switch
    {
        SocketError.HostNotFound or SocketError.NoData or SocketError.TryAgain or SocketError.NoRecovery => "no such host",
        SocketError.ConnectionRefused => "refused",
        SocketError.TimedOut => "timed out",
        SocketError.NetworkUnreachable or SocketError.HostUnreachable or SocketError.NetworkDown or SocketError.HostDown => "unreachable",
        SocketError.ConnectionReset or SocketError.ConnectionAborted or SocketError.Shutdown => "connection lost",
        _ => "other",
    };

    private static string FirstLine(Exception exception) => exception.Message.Split('\n', 2)[0].TrimEnd();
}

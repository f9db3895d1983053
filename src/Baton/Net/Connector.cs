using System.Net;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using Baton.Drivers;

namespace Baton;

/// <summary>Connects to one of several addresses, and remembers how it failed with the others.</summary>
internal sealed class Connector(string target, ConnectOptions options)
{
    private readonly List<(EndPoint EndPoint, SocketException? Failure)> _attempts = [];
    private ExceptionDispatchInfo? _fault;

    /// <summary>Connects to a host by name or address.</summary>
    internal static Coroutine<Connection> ConnectAsync(string host, int port, ConnectOptions options)
    {
        // An address in figures, without a limit of time: nothing to resolve, to choose or to remember.
        if (options.Timeout == Timeout.InfiniteTimeSpan && IPAddress.TryParse(host, out var address))
        {
            return ConnectToAsync(new IPEndPoint(address, port), options);
        }

        var connector = new Connector($"{host}:{port}", options);
        return connector.WithinTimeAsync(() => connector.ResolveAndConnectAsync(host, port));
    }

    /// <summary>Connects to one of a list, whose names are resolved.</summary>
    internal static Coroutine<Connection> ConnectAsync(EndPoint[] endPoints, ConnectOptions options)
    {
        var connector = new Connector(string.Join<EndPoint>(", ", endPoints), options);
        return connector.WithinTimeAsync(() => connector.ResolveAndConnectAsync(endPoints));
    }

    /// <summary>Connects to one address.</summary>
    internal static async Coroutine<Connection> ConnectToAsync(EndPoint endPoint, ConnectOptions options)
    {
        var socket = LoopSocket.Create(endPoint.AddressFamily);
        try
        {
            Configure(socket, options);
            if (options.LocalEndPoints.Count > 0)
            {
                BindTo(options.LocalEndPoints, socket, endPoint);
            }

            await socket.ConnectAsync(endPoint);
            ThrowIfConnectedToItself(socket, endPoint, options);
            return new Connection(socket, options.NoDelay, endPoint);
        }
        catch
        {
            // Whatever it was, cancellation included: the descriptor has no owner yet but this.
            socket.Dispose();
            throw;
        }
    }

    private static void Configure(LoopSocket socket, ConnectOptions options)
    {
        options.KeepAlive?.ApplyTo(socket);
        if (options.ReceiveBufferSize is { } receive)
        {
            socket.SetOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveBuffer, receive);
        }

        if (options.SendBufferSize is { } send)
        {
            socket.SetOption(SocketOptionLevel.Socket, SocketOptionName.SendBuffer, send);
        }

        options.ConfigureSocket?.Invoke(socket);
    }

    /// <summary>Binds to the first local end point that fits the address and can be had.</summary>
    private static void BindTo(IReadOnlyList<IPEndPoint> localEndPoints, LoopSocket socket, EndPoint endPoint)
    {
        SocketException? failure = null;
        socket.SetOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, 1);
        foreach (var local in localEndPoints)
        {
            if (local.AddressFamily == endPoint.AddressFamily)
            {
                try
                {
                    socket.Bind(local);
                    return;
                }
                catch (SocketException exception)
                {
                    failure = exception;
                }
            }
        }

        throw failure ?? NoLocalEndPoint(endPoint.ToString()!, localEndPoints, "it does not have");
    }

    private static SocketException NoLocalEndPoint(string target, IReadOnlyList<IPEndPoint> localEndPoints, string lack) => new(
        (int)SocketError.AddressFamilyNotSupported,
        $"Connecting to {target} failed: {lack} the family of the local end point {string.Join(" or ", localEndPoints)}.");

    /// <summary>
    /// Where nobody listens at a port of this machine, the system may choose that very port to connect from: then TCP connects the socket
    /// to itself, and it would echo whatever is sent.
    /// </summary>
    private static void ThrowIfConnectedToItself(LoopSocket socket, EndPoint endPoint, ConnectOptions options)
    {
        const int FirstUnprivilegedPort = 1024;
        if (endPoint is IPEndPoint { Port: >= FirstUnprivilegedPort } peer
            && options.LocalEndPoint is null or { Port: 0 }
            && peer.Equals(socket.LocalEndPoint))
        {
            // Not closed in good order, which would keep the port from whoever wants to listen at it.
            socket.Abort();
            throw new SocketException(
                (int)SocketError.ConnectionRefused,
                $"Connecting to {endPoint} failed: {SocketFailure.TextOf(SocketError.ConnectionRefused)}. Nobody listens there: the socket had been connected to itself.");
        }
    }

    /// <summary>Has the families take turns after so many of the first, the order within a family kept (RFC 8305, section 4).</summary>
    private static IEnumerable<IPAddress> Interleave(IPAddress[] addresses, int firstCount)
    {
        var first = addresses.Where(address => address.AddressFamily == addresses[0].AddressFamily).ToArray();
        var other = addresses.Except(first).ToArray();
        if (firstCount == 0 || other.Length == 0)
        {
            return addresses;
        }

        var lead = Math.Min(firstCount, first.Length) - 1;
        var ordered = first.Take(lead).ToList();
        for (var i = 0; i < Math.Max(first.Length - lead, other.Length); i++)
        {
            ordered.AddRange(first.Skip(lead + i).Take(1));
            ordered.AddRange(other.Skip(i).Take(1));
        }

        return ordered;
    }

    private async Coroutine<Connection> WithinTimeAsync(Func<Coroutine<Connection>> connect)
    {
        if (options.Timeout == Timeout.InfiniteTimeSpan)
        {
            return await connect();
        }

        LoopTimeout? limit = null;
        try
        {
            return await LoopTimeout.Run(options.Timeout, timeout =>
            {
                limit = timeout;
                return connect();
            });
        }
        catch (TimeoutException) when (limit!.IsExpired)
        {
            throw TimedOut();
        }
    }

    private async Coroutine<Connection> ResolveAndConnectAsync(string host, int port)
    {
        var addresses = await NameResolution.GetHostAddressesAsync(host);
        if (options.LocalEndPoints.Count > 0)
        {
            addresses = [.. addresses.Where(address => options.LocalEndPoints.Any(local => local.AddressFamily == address.AddressFamily))];
            if (addresses.Length == 0)
            {
                throw NoLocalEndPoint(target, options.LocalEndPoints, "no address of it has");
            }
        }

        return await RaceAsync(
            [.. Interleave([.. addresses.Distinct()], options.FirstAddressFamilyCount).Select(address => new IPEndPoint(address, port))]);
    }

    private async Coroutine<Connection> ResolveAndConnectAsync(EndPoint[] endPoints)
    {
        var names = endPoints.OfType<DnsEndPoint>().Distinct().ToArray();
        var outcomes = names.Length == 0
            ? []
            : await Coroutine.GatherOutcomes(names.Select(name => NameResolution.GetHostAddressesAsync(name.Host)));
        var resolved = new List<EndPoint>();
        foreach (var endPoint in endPoints)
        {
            if (endPoint is not DnsEndPoint name)
            {
                resolved.Add(endPoint);
                continue;
            }

            var outcome = outcomes[Array.IndexOf(names, name)];
            switch (outcome.Exception)
            {
                case null:
                    resolved.AddRange(
                        Interleave([.. outcome.GetResult().Distinct()], options.FirstAddressFamilyCount).Select(
                            address => new IPEndPoint(address, name.Port)));
                    break;
                case SocketException failure:
                    _attempts.Add((name, failure));
                    break;
                default:
                    outcome.GetResult();
                    break;
            }
        }

        return await RaceAsync([.. resolved.Distinct()]);
    }

    private async Coroutine<Connection> RaceAsync(EndPoint[] endPoints)
    {
        if (endPoints.Length == 1 && _attempts.Count == 0)
        {
            // No race: in the task that waits, without one of its own.
            _attempts.Add((endPoints[0], null));
            return await ConnectToAsync(endPoints[0], options);
        }

        var race = await Coroutine.StaggeredRace(
            endPoints.Select(endPoint => (Func<Coroutine<Connection?>>)(() => AttemptAsync(endPoint))),
            options.HappyEyeballsDelay,
            static late => late?.Abort());
        if (race.HasWinner && race.GetResult() is { } winner)
        {
            return winner;
        }

        _fault?.Throw();
        var text = Describe(out var attempts);
        throw attempts.Count == 1
            ? attempts[0].Exception
            : new ConnectException(
                attempts[^1].SocketErrorCode, $"Connecting to {target} failed at all {attempts.Count} addresses. {text}", attempts);
    }

    /// <summary>Tries one address. Null where that failed by a fault of the program's own, which ends the race.</summary>
    private async Coroutine<Connection?> AttemptAsync(EndPoint endPoint)
    {
        var index = _attempts.Count;
        _attempts.Add((endPoint, null));
        try
        {
            return await ConnectToAsync(endPoint, options);
        }
        catch (SocketException exception)
        {
            _attempts[index] = (endPoint, exception);
            throw;
        }
        catch (Exception exception) when (exception is not CancelledException)
        {
            _fault ??= ExceptionDispatchInfo.Capture(exception);
            return null;
        }
    }

    private ConnectException TimedOut()
    {
        var started = $"Connecting to {target} has taken longer than the {options.Timeout.TotalSeconds} s that it may take";
        var rest = Describe(out var attempts);
        return new ConnectException(
            SocketError.TimedOut, attempts.Count == 0 ? $"{started}: its name has not been resolved yet." : $"{started}. {rest}", attempts);
    }

    private string Describe(out IReadOnlyList<ConnectAttempt> attempts)
    {
        attempts = [.. _attempts.Select(attempt => new ConnectAttempt(
            attempt.EndPoint,
            attempt.Failure
                ?? new SocketException((int)SocketError.TimedOut, $"Connecting to {attempt.EndPoint} failed: there was no answer")))];
        return string.Join(' ', attempts.Select(attempt => attempt.ToString() is var text && text.EndsWith('.') ? text : $"{text}."));
    }
}

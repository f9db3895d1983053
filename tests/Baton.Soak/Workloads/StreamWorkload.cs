using System.Net;
using System.Net.Sockets;

namespace Baton.Soak.Workloads;

/// <summary>
/// Clients of one server over one kind of stream: they converse and end in good order, or are cancelled, abort, or go away in the middle.
/// </summary>
internal sealed class StreamWorkload(StreamKind kind) : Workload
{
    private static readonly byte[] Request = "STARTTLS\n"u8.ToArray();
    private static readonly byte[] Answer = "OK\n"u8.ToArray();

    private SoakPhase _phase = null!;
    private Random _random = null!;
    private Server _server = null!;

    public override string Name => kind.ToString();

    public override int WorkerCount => kind is StreamKind.Tcp or StreamKind.Unix ? 4 : 2;

    public override string? WhyNot(SoakPhase phase) =>
        kind == StreamKind.TcpV6 && !Socket.OSSupportsIPv6 ? "There is no IPv6 here." : null;

    public override async Coroutine StartAsync(SoakPhase phase)
    {
        _phase = phase;
        _random = new Random(phase.SeedFor(Name));
        EndPoint endPoint = kind switch
        {
            StreamKind.TcpV6 => new IPEndPoint(IPAddress.IPv6Loopback, 0),
            StreamKind.Unix or StreamKind.TlsOverUnix => new UnixDomainSocketEndPoint(Path.Combine(phase.Folder, Name)),
            _ => new IPEndPoint(IPAddress.Loopback, 0),
        };
        var tls = kind switch
        {
            StreamKind.Tls or StreamKind.TlsInTls or StreamKind.TlsOverUnix => phase.Certificate.ServerOptions(),
            StreamKind.Tls12 => phase.Certificate.ServerOptions(old: true),
            _ => null,
        };
        _server = await Server.StartAsync(endPoint, ServeAsync, new ServerOptions { Tls = tls });
    }

    public override async Coroutine StopAsync() => await _server.ShutdownAsync(TimeSpan.FromSeconds(20));

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        if (worker.Chance(0.6))
        {
            await ConverseAsync(worker);
            return;
        }

        try
        {
            await worker.Abuse(async Coroutine () => await MisbehaveAsync(worker));
        }
        catch (IOException)
        {
            // Nothing else was to be expected.
        }
    }

    private async Coroutine ConverseAsync(SoakWorker worker)
    {
        await using var connection = await ConnectAsync();
        await Conversation.AskAsync(connection, worker);
        if (worker.Chance(0.7))
        {
            await Conversation.EndAsync(connection);
        }
    }

    /// <summary>Goes away at some time, in one way or the other.</summary>
    private async Coroutine MisbehaveAsync(SoakWorker worker)
    {
        var connection = await ConnectAsync();
        try
        {
            await worker.Disturb(Conversation.AskAsync(connection, worker), task =>
            {
                switch (worker.Random.Next(5))
                {
                    case 0:
                        connection.Abort();
                        break;
                    case 1:
                        connection.Dispose();
                        break;
                    case 2:
                        task.Cancel();
                        break;
                    case 3:
                        connection.Input.CancelPendingRead();
                        task.Cancel();
                        break;
                }
            });
        }
        finally
        {
            connection.Abort();
            connection.Dispose();
        }
    }

    private async Coroutine<Connection> ConnectAsync()
    {
        var tls = kind switch
        {
            StreamKind.Tls or StreamKind.TlsInTls or StreamKind.TlsOverUnix => _phase.Certificate.ClientOptions(),
            StreamKind.Tls12 => _phase.Certificate.ClientOptions(old: true),
            _ => null,
        };
        var connection = await Connection.ConnectAsync(_server.EndPoints[0], new ConnectOptions { Tls = tls });
        try
        {
            if (kind == StreamKind.StartTls)
            {
                await connection.WriteAsync(Request);
                SoakException.ThrowUnless(await connection.Input.ReadLineAsync() == "OK", "The server does not start TLS.");
            }

            if (kind is StreamKind.StartTls or StreamKind.TlsInTls)
            {
                await connection.UpgradeToTlsAsync(_phase.Certificate.ClientOptions());
            }
        }
        catch
        {
            connection.Abort();
            connection.Dispose();
            throw;
        }

        return connection;
    }

    private async Coroutine ServeAsync(Connection connection)
    {
        try
        {
            if (kind == StreamKind.StartTls)
            {
                var request = await connection.Input.ReadExactlyAsync(Request.Length);
                SoakException.ThrowUnless(request.AsSpan().SequenceEqual(Request), "The client does not ask for TLS.");
                await connection.WriteAsync(Answer);
            }

            if (kind is StreamKind.StartTls or StreamKind.TlsInTls)
            {
                await connection.UpgradeToTlsAsync(_phase.Certificate.ServerOptions());
            }

            await Conversation.ServeAsync(connection, new Random(_random.Next()));
            await connection.CloseAsync();
        }
        catch (IOException)
        {
            // Clients go as they like; what was to be sent is for nobody.
            connection.Abort();
        }
    }
}

using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using Baton.Tests.Files;
using Baton.Tests.Net.Counterparts;
using Baton.Tests.Net.Protocols;
using Baton.Tests.Net.Tls;
using Baton.Tests.Net.Udp;

namespace Baton.Tests.Net.Faults;

/// <summary>
/// Every operation, cancelled at each of its awaits: it is run again and again, and cancelled a little later each time, until it has ended
/// before the cancel comes. Each time it either ends as cancelled or with its result, what it worked on can be closed, and nothing is left.
/// </summary>
public class CancellationSweepTests
{
    /// <summary>Yields between one poll and the next at which to cancel.</summary>
    private const int YieldsPerPoll = 4;

    private const int LeastAttempts = 24;

    private static readonly byte[] _bytes = NetTest.Pattern(8 << 20);

    private static readonly Dictionary<string, Func<StreamKind, Coroutine>> _streamOperations = new()
    {
        ["read"] = kind => SweepStream(
            kind,
            async connection => await connection.Input.ReadAsync(),
            async peer => await peer.WriteAsync(_bytes.AsMemory(0, 10))),
        ["read a line"] = kind => SweepStream(
            kind,
            async connection => await connection.Input.ReadLineAsync(),
            async peer => await peer.WriteAsync("a line\n"u8.ToArray())),
        ["read a megabyte"] = kind => SweepStream(
            kind,
            async connection => await connection.Input.ReadExactlyAsync(1 << 20),
            async peer => await peer.WriteAsync(_bytes.AsMemory(0, 1 << 20))),
        ["write"] = kind => SweepStream(
            kind,
            async connection => await connection.WriteAsync(_bytes),
            TakeAll),
        ["flush"] = kind => SweepStream(
            kind,
            async connection =>
            {
                Fill(connection.Output);
                await connection.Output.FlushAsync();
            },
            TakeAll),
        ["read from the stream"] = kind => SweepStream(
            kind,
            async connection => await connection.AsStream().ReadExactlyAsync(new byte[100_000]),
            async peer => await peer.WriteAsync(_bytes.AsMemory(0, 100_000))),
        ["write to the stream"] = kind => SweepStream(
            kind,
            async connection => await connection.AsStream().WriteAsync(_bytes),
            TakeAll),
        ["complete the output"] = kind => SweepStream(
            kind,
            async connection =>
            {
                Fill(connection.Output);
                await connection.CompleteOutputAsync();
            },
            TakeAll),
        ["send a file"] = async kind =>
        {
            using var folder = new TemporaryFolder();
            await LoopFile.WriteAllBytesAsync(folder["file"], _bytes);
            await using var file = await LoopFile.OpenAsync(folder["file"]);
            await SweepStream(kind, async connection => await connection.SendFileAsync(file), TakeAll);
        },
        ["close"] = kind => SweepStream(
            kind,
            async connection =>
            {
                Fill(connection.Output);
                await connection.CloseAsync();
            },
            TakeAll),
    };

    private static readonly Dictionary<string, Func<Coroutine>> _operations = new()
    {
        ["accept"] = async () =>
        {
            using var listener = NetTest.Listen();
            await Sweep(
                async () => (await listener.AcceptAsync()).Dispose(),
                async () => (await Connection.ConnectAsync(listener.LocalEndPoint!)).Abort());
        },
        ["connect to an address"] = async () =>
        {
            await using var server = await Server.StartAsync("127.0.0.1", 0, Echo);
            await Sweep(async () => await (await Connection.ConnectAsync(server.EndPoints[0])).CloseAsync());
        },
        ["connect to a name"] = async () =>
        {
            await using var server = await Server.StartAsync("127.0.0.1", 0, Echo);
            var port = ((IPEndPoint)server.EndPoints[0]).Port;
            await Sweep(async () => await (await Connection.ConnectAsync("localhost", port)).CloseAsync());
        },
        ["connect where nobody listens"] = async () =>
        {
            int port;
            using (var listener = NetTest.Listen())
            {
                port = ((IPEndPoint)listener.LocalEndPoint!).Port;
            }

            await Sweep(async () =>
            {
                try
                {
                    (await Connection.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port))).Abort();
                    Assert.Fail("Somebody listens.");
                }
                catch (SocketException)
                {
                }
            });
        },
        ["connect to one of several addresses"] = async () =>
        {
            EndPoint nobody = UdpTest.Nobody();
            await using var server = await Server.StartAsync("127.0.0.1", 0, Echo);
            await Sweep(async () => await (await Connection.ConnectAsync([nobody, server.EndPoints[0], server.EndPoints[0]])).CloseAsync());
        },
        ["connect with TLS and close"] = async () =>
        {
            await using var server = await Server.StartAsync(
                "127.0.0.1", 0, Echo, new ServerOptions { Tls = TlsTest.ServerOptions() });
            await Sweep(async () =>
            {
                var connection = await Connection.ConnectAsync(server.EndPoints[0], new ConnectOptions { Tls = TlsTest.ClientOptions() });
                try
                {
                    await connection.CloseAsync();
                }
                finally
                {
                    connection.Abort();
                }
            });
        },
        ["start TLS as the client"] = () => SweepStream(
            StreamKind.Tcp,
            async connection => await connection.UpgradeToTlsAsync(TlsTest.ClientOptions()),
            peer => WhileItLasts(() => peer.UpgradeToTlsAsync(TlsTest.ServerOptions()))),
        ["start TLS as the server"] = () => SweepStream(
            StreamKind.Tcp,
            async connection => await connection.UpgradeToTlsAsync(TlsTest.ServerOptions()),
            peer => WhileItLasts(() => peer.UpgradeToTlsAsync(TlsTest.ClientOptions()))),
        ["fetch a page"] = async () =>
        {
            await using var server = await Server.StartAsync(
                "127.0.0.1", 0, connection => WhileItLasts(() => LoopHttpTests.ServePages(connection)));
            using var client = LoopHttp.CreateClient();
            await Sweep(async () => await client.GetStringAsync(new Uri($"http://127.0.0.1:{((IPEndPoint)server.EndPoints[0]).Port}/1")));
        },
        ["receive a datagram"] = async () =>
        {
            var (client, server) = await UdpTest.Connect();
            using var one = client;
            using var two = server;
            await Sweep(async () => await server.ReceiveFromAsync(new byte[10]), async () => await client.SendAsync(new byte[1]));
        },
        ["receive and send a batch of datagrams"] = async () =>
        {
            var (client, server) = await UdpTest.Connect();
            using var one = client;
            using var two = server;
            var batch = new DatagramBatch(10, 100);
            await Sweep(
                async () =>
                {
                    await server.ReceiveBatchAsync(batch);
                    await server.SendBatchAsync(batch);
                },
                async () => await client.SendAsync(new byte[1]));
        },
        ["open a UDP socket by name"] = () => Sweep(async () => (await UdpSocket.ConnectAsync("localhost", 9)).Dispose()),
        ["pass and take descriptors"] = async () =>
        {
            var (client, server) = Connection.CreatePair();
            await using var one = client;
            await using var two = server;
            using var file = File.OpenHandle("/dev/null");
            await Sweep(
                async () =>
                {
                    using var message = await server.ReceiveDescriptorsAsync(new byte[1]);
                },
                async () => await client.SendDescriptorsAsync(new byte[1], file));
            await DropWhatIsThere(client, server);
        },
        ["send to a full local socket"] = async () =>
        {
            var (client, server) = UnixDatagramSocket.CreatePair();
            using var one = client;
            using var two = server;
            await Sweep(
                async () =>
                {
                    for (var i = 0; i < 1000; i++)
                    {
                        await client.SendAsync(new byte[1000]);
                    }
                },
                async () =>
                {
                    while (true)
                    {
                        await server.ReceiveFromAsync(new byte[1000]);
                    }
                });
        },
        ["make a transport"] = async () =>
        {
            await using var server = await EventLoop.Current.CreateServerAsync(() => new TraceProtocol(), "127.0.0.1", 0);
            await Sweep(async () =>
            {
                var (transport, protocol) = await EventLoop.Current.CreateConnectionAsync(() => new TraceProtocol(), server.EndPoints[0]);
                transport.Abort();
                await ProtocolTest.WaitUntilLost(protocol);
            });
            await NetTest.Until(() => server.ConnectionCount == 0);
        },
        ["resolve a name"] = () => Sweep(async () => await NameResolution.GetHostAddressesAsync("localhost")),
        ["start a server"] = () => Sweep(async () => await (await Server.StartAsync("localhost", 0, Echo)).DisposeAsync()),
        ["shut a server down"] = () => Sweep(async () =>
        {
            var server = await Server.StartAsync("127.0.0.1", 0, Echo);
            try
            {
                await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
                await client.WriteAsync(new byte[1]);
                await client.Input.ReadExactlyAsync(1);
                await server.ShutdownAsync(TimeSpan.FromMilliseconds(1));
            }
            finally
            {
                server.Abort();
            }
        }),
        ["work on a file"] = async () =>
        {
            using var folder = new TemporaryFolder();
            await Sweep(async () =>
            {
                await using (var file = await LoopFile.OpenAsync(folder["file"], FileMode.Append, FileAccess.Write))
                {
                    await file.WriteAsync(new byte[100]);
                    await file.FlushAsync();
                }

                await LoopFile.RenameAsync(folder["file"], folder["other"]);
                await LoopFile.ReadAllBytesAsync(folder["other"]);
                Assert.True(await LoopFile.DeleteAsync(folder["other"]));
            });
            FileTest.AssertAllClosed(folder);
        },
        ["send and receive everything"] = async () =>
        {
            var (client, server) = await NetTest.ConnectSockets();
            using var one = client;
            using var two = server;
            await Sweep(async () => await client.SendAllAsync(_bytes.AsMemory(0, 100)), async () => await NetTest.ReceiveAll(server, 100));
        },
    };

    public static TheoryData<string> Operations { get; } = [.. _operations.Keys];

    public static TheoryData<string, StreamKind> StreamOperations
    {
        get
        {
            var data = new TheoryData<string, StreamKind>();
            foreach (var operation in _streamOperations.Keys)
            {
                foreach (var kind in Enum.GetValues<StreamKind>())
                {
                    data.Add(operation, kind);
                }
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void Cancel_at_every_await(string operation) => NetTest.Run(_operations[operation]);

    [Theory]
    [MemberData(nameof(StreamOperations))]
    public void Cancel_at_every_await_of_a_stream(string operation, StreamKind kind) =>
        NetTest.Run(() => _streamOperations[operation](kind));

    private static void Fill(PipeWriter output)
    {
        _bytes.CopyTo(output.GetSpan(_bytes.Length));
        output.Advance(_bytes.Length);
    }

    private static async Coroutine TakeAll(Connection connection) => await connection.Input.ReadExactlyAsync(_bytes.Length);

    /// <summary>A handler that sends back what it receives.</summary>
    private static Coroutine Echo(Connection connection) => WhileItLasts(() => NetTest.Echo(connection));

    /// <summary>Does something that fails when the other end, which is being cancelled, goes away.</summary>
    private static async Coroutine WhileItLasts(Func<Coroutine> operation)
    {
        try
        {
            await operation();
        }
        catch (IOException)
        {
        }
    }

    /// <summary>Descriptors that were sent while nobody took them.</summary>
    private static async Coroutine DropWhatIsThere(Connection sender, Connection receiver)
    {
        await sender.CompleteOutputAsync();
        while (true)
        {
            using var message = await receiver.ReceiveDescriptorsAsync(new byte[1]);
            if (message.Length == 0)
            {
                return;
            }
        }
    }

    /// <summary>Runs an operation on one end of a stream, and what makes it go on at the other, each time over a new stream.</summary>
    private static Coroutine SweepStream(StreamKind kind, Func<Connection, Coroutine> operation, Func<Connection, Coroutine> peer) =>
        Sweep(async turns =>
        {
            var (client, server) = await Streams.Connect(kind);
            try
            {
                return await Attempt(() => operation(client), () => peer(server), turns);
            }
            finally
            {
                Streams.End(client);
                Streams.End(server);
            }
        });

    private static Coroutine Sweep(Func<Coroutine> operation, Func<Coroutine>? peer = null) =>
        Sweep(turns => Attempt(operation, peer, turns));

    private static async Coroutine Sweep(Func<int, Coroutine<bool>> attempt)
    {
        var hasEnded = false;
        for (var turns = 0; !hasEnded || turns < LeastAttempts; turns++)
        {
            hasEnded = await attempt(turns);
            Assert.True(turns < 4000, "The operation does not end.");
        }
    }

    /// <summary>Runs an operation once and cancels it after so many turns. True when it had ended by then.</summary>
    private static async Coroutine<bool> Attempt(Func<Coroutine> operation, Func<Coroutine>? peer, int turns)
    {
        var task = Coroutine.Start(operation());
        var other = peer is null ? null : Coroutine.Start(peer());
        await NetTest.Polls(turns / YieldsPerPoll);
        await NetTest.Iterate(turns % YieldsPerPoll);
        var hasEnded = task.IsDone;
        task.Cancel();
        try
        {
            await task;
        }
        catch (CancelledException)
        {
            Assert.True(task.IsCancelled);
        }

        if (other is not null)
        {
            // It worked for somebody who is gone.
            other.Cancel();
            await Coroutine.Wait([other]);
            _ = other.IsCancelled ? null : other.GetException();
        }

        return hasEnded;
    }
}

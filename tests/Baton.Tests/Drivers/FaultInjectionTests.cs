using System.Net.Sockets;
using Baton.Drivers;

namespace Baton.Tests.Drivers;

/// <summary>
/// System calls that move less than they could, fail, or are interrupted: what is above them must not notice, or must say so.
/// </summary>
public class FaultInjectionTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(1000)]
    public void Short_receives_and_sends_change_nothing(int most) => NetTest.RunOnEpoll(async test =>
    {
        // A short receive tells the driver that there is no more; so those here must be shorter than asked only when there is no more.
        test.Calls.OnSend = (_, _) => most;
        test.Calls.OnSendMessage = (_, _) => most;
        await EchoPattern(most == 1 ? 300 : 50_000);
    });

    [Fact]
    public void Receives_that_take_a_little_at_a_time() => NetTest.RunOnEpoll(async test =>
    {
        // Local sockets: there a short receive does not mean that there is no more.
        var path = Path.Combine(Path.GetTempPath(), $"baton-{Guid.NewGuid():N}");
        try
        {
            test.Calls.OnReceive = (_, _) => 13;
            await using var server = await Server.StartAsync(new UnixDomainSocketEndPoint(path), NetTest.Echo);
            await using var client = await Connection.ConnectAsync(new UnixDomainSocketEndPoint(path));
            var bytes = NetTest.Pattern(5000);
            await client.WriteAsync(bytes);
            Assert.Equal(bytes, await client.Input.ReadExactlyAsync(bytes.Length));
        }
        finally
        {
            File.Delete(path);
        }
    });

    [Fact]
    public void Calls_that_are_interrupted_are_made_again() => NetTest.RunOnEpoll(async test =>
    {
        var random = new Random(1);
        test.Calls.OnReceive = (_, _) => Interrupt();
        test.Calls.OnSend = (_, _) => Interrupt();
        test.Calls.OnSendMessage = (_, _) => Interrupt();
        test.Calls.OnPeek = _ => Interrupt();
        test.Calls.OnAccept = _ => Interrupt();
        test.Calls.OnWait = _ => Interrupt();
        await EchoPattern(200_000);

        int? Interrupt() => random.Next(3) == 0 ? -Errno.EINTR : null;
    });

    [Fact]
    public void A_connect_that_is_interrupted_goes_on() => NetTest.RunOnEpoll(async test =>
    {
        using var listener = NetTest.Listen();
        using var client = LoopSocket.Create(AddressFamily.InterNetwork);
        test.Calls.ConnectsWait = true;
        await client.ConnectAsync(listener.LocalEndPoint!);
        using var server = await listener.AcceptAsync();
        await client.SendAllAsync(new byte[1]);
        await NetTest.ReceiveAll(server, 1);
    });

    [Fact]
    public void Receives_that_find_nothing_wait_for_the_next_event() => NetTest.RunOnEpoll(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var storm = 0;
        var descriptor = (int)server.Handle;
        test.Calls.OnReceive = (socket, _) => socket == descriptor && storm++ < 20 ? -Errno.EAGAIN : null;
        var read = Coroutine.Start(server.Input.ReadExactlyAsync(30));
        var bytes = NetTest.Pattern(30);
        for (var i = 0; i < 30; i++)
        {
            await client.WriteAsync(bytes.AsMemory(i, 1));
            await NetTest.Polls(2);
        }

        Assert.Equal(bytes, await read);
        Assert.True(storm > 20);
    });

    [Fact]
    public void A_wait_that_was_in_vain_can_still_be_cancelled() => NetTest.RunOnEpoll(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var descriptor = (int)server.Handle;
        LoopTask? read = null;
        test.Calls.OnReceive = (socket, _) =>
        {
            if (socket != descriptor)
            {
                return null;
            }

            // The cancel comes when the read has been reported ready and is about to fetch, and what it fetches is not there.
            read?.Cancel();
            return -Errno.EAGAIN;
        };
        read = Coroutine.Start(server.Input.ReadLineAsync());
        await NetTest.Iterate(1);
        await client.WriteAsync(new byte[1]);
        await NetTest.AssertCancelled(read);
        test.Calls.OnReceive = null;
    });

    [Fact]
    public void Resets_while_receiving_and_sending() => NetTest.RunOnEpoll(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        test.Calls.OnReceive = (_, _) => -Errno.ECONNRESET;
        test.Calls.OnSend = (_, _) => -Errno.EPIPE;
        await client.WriteAsync(ReadOnlyMemory<byte>.Empty);
        var receive = await Assert.ThrowsAsync<IOException>(async () => await server.Input.ReadAsync());
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(receive.InnerException).SocketErrorCode);
        var send = await Assert.ThrowsAsync<IOException>(async () => await client.WriteAsync(new byte[1]));
        Assert.Equal(SocketError.Shutdown, Assert.IsType<SocketException>(send.InnerException).SocketErrorCode);
        Assert.Contains("Sending", send.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_reset_that_a_write_has_met_is_no_good_end_for_the_reader() => NetTest.RunOnEpoll(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await server.DisposeAsync();
        test.Calls.OnSend = (_, _) => -Errno.ECONNRESET;
        await Assert.ThrowsAsync<IOException>(async () => await client.WriteAsync(new byte[1]));
        var failure = await Assert.ThrowsAsync<IOException>(async () => await client.Input.ReadAsync());
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
    });

    [Fact]
    public void A_reset_in_the_middle_of_queued_writes_fails_them_all() => NetTest.RunOnEpoll(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var sends = 0;
        test.Calls.OnSend = (_, _) => sends++ == 0 ? null : -Errno.ECONNRESET;
        test.Calls.OnSendMessage = (_, _) => -Errno.ECONNRESET;
        var first = client.WriteAsync(new byte[1]);
        var second = client.WriteAsync(new byte[1]);
        var third = client.WriteAsync(new byte[100_000]);
        await first;
        await Assert.ThrowsAsync<IOException>(async () => await second);
        await Assert.ThrowsAsync<IOException>(async () => await third);
        Assert.Equal(0, client.BufferedOutput);
        Assert.Equal(0, test.Driver.Blocks.LentCount);
    });

    [Fact]
    public void Out_of_descriptors_creating_and_accepting_say_so() => NetTest.RunOnEpoll(async test =>
    {
        using var listener = NetTest.Listen();
        test.Calls.OnSocket = () => -Errno.EMFILE;
        var create = await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync(listener.LocalEndPoint!));
        Assert.Equal(SocketError.TooManyOpenSockets, create.SocketErrorCode);
        Assert.Equal("Creating a socket failed: Too many open files", create.Message);
        test.Calls.OnSocket = null;

        test.Calls.OnAccept = _ => -Errno.EMFILE;
        using var client = LoopSocket.Create(AddressFamily.InterNetwork);
        await client.ConnectAsync(listener.LocalEndPoint!);
        var accept = await Assert.ThrowsAsync<SocketException>(async () => await listener.AcceptAsync());
        Assert.Equal(SocketError.TooManyOpenSockets, accept.SocketErrorCode);
        test.Calls.OnAccept = null;
        using var accepted = await listener.AcceptAsync();
    });

    [Fact]
    public void A_registration_that_fails_fails_the_operation() => NetTest.RunOnEpoll(async test =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        test.Calls.OnEpollAdd = () => -Errno.ENOMEM;
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await server.ReceiveAsync(new byte[1]));
        Assert.Equal(SocketError.NoBufferSpaceAvailable, failure.SocketErrorCode);
        test.Calls.OnEpollAdd = null;
        await client.SendAllAsync(new byte[1]);
        Assert.Equal(1, await server.ReceiveAsync(new byte[1]));
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    public void Everything_at_random(int seed) => NetTest.RunOnEpoll(async test =>
    {
        var random = new Random(seed);
        test.Calls.OnSend = (_, length) => Trouble(length);
        test.Calls.OnSendMessage = (_, _) => Trouble(1000);
        test.Calls.OnReceive = (_, _) => random.Next(4) == 0 ? -Errno.EINTR : null;
        test.Calls.OnWait = _ => random.Next(4) == 0 ? -Errno.EINTR : null;
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        var tasks = new List<LoopTask>();
        for (var i = 0; i < 20; i++)
        {
            tasks.Add(Coroutine.Start(Client(random.Next())));
        }

        foreach (var task in tasks)
        {
            await task;
        }

        await NetTest.Until(() => server.ConnectionCount == 0);

        async Coroutine Client(int clientSeed)
        {
            var own = new Random(clientSeed);
            await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
            for (var i = 0; i < 20; i++)
            {
                var bytes = new byte[own.Next(1, 60_000)];
                own.NextBytes(bytes);
                var write = Coroutine.Start(WriteInPieces(client, bytes, own.Next()));
                Assert.Equal(bytes, await client.Input.ReadExactlyAsync(bytes.Length));
                await write;
            }
        }

        int? Trouble(int length) => random.Next(3) switch
        {
            0 => -Errno.EINTR,
            1 => random.Next(1, length + 1),
            _ => null,
        };
    });

    private static async Coroutine WriteInPieces(Connection connection, byte[] bytes, int seed)
    {
        var random = new Random(seed);
        var writes = new List<ValueTask>();
        for (var at = 0; at < bytes.Length;)
        {
            var count = Math.Min(bytes.Length - at, random.Next(1, 25_000));
            writes.Add(connection.WriteAsync(bytes.AsMemory(at, count)));
            at += count;
            if (random.Next(3) == 0)
            {
                await Coroutine.Yield();
            }
        }

        foreach (var write in writes)
        {
            await write;
        }
    }

    private static async Coroutine EchoPattern(int length)
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        var bytes = NetTest.Pattern(length);
        var write = Coroutine.Start(WriteInPieces(client, bytes, 1));
        Assert.Equal(bytes, await client.Input.ReadExactlyAsync(length));
        await write;
    }
}

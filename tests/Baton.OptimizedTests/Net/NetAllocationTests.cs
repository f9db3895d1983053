using Baton.Drivers;

namespace Baton.Tests.Net;

/// <summary>In the steady state nothing is allocated, and an idle connection is small.</summary>
public class NetAllocationTests
{
    [Fact]
    public void An_echo_over_connections_allocates_nothing() => NetTest.Run(async () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        var message = new byte[1024];
        await AssertAllocatesNothing(Echo);

        async Coroutine Echo()
        {
            await client.WriteAsync(message);
            var result = await client.Input.ReadAtLeastAsync(message.Length);
            client.Input.AdvanceTo(result.Buffer.End);
        }
    });

    [Fact]
    public void An_echo_over_bare_sockets_allocates_nothing() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        var echo = Coroutine.Start(EchoAll());
        var message = new byte[1024];
        var buffer = new byte[1024];
        await AssertAllocatesNothing(Echo);
        client.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        await echo;

        async Coroutine Echo()
        {
            await client.SendAllAsync(message);
            for (var received = 0; received < message.Length;)
            {
                received += await client.ReceiveAsync(buffer.AsMemory(received));
            }
        }

        async Coroutine EchoAll()
        {
            using var two = server;
            var own = new byte[4096];
            while (await server.ReceiveAsync(own) is var count and > 0)
            {
                await server.SendAllAsync(own.AsMemory(0, count));
            }
        }
    });

    [Fact]
    public void Writes_that_are_collected_and_writes_that_wait_allocate_nothing() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var small = new byte[100];
        var large = new byte[1 << 20];
        var waits = new ValueTask[10];
        await AssertAllocatesNothing(Exchange);

        async Coroutine Exchange()
        {
            for (var i = 0; i < waits.Length; i++)
            {
                waits[i] = client.WriteAsync(i == 5 ? large : small);
            }

            var left = large.Length + (small.Length * (waits.Length - 1));
            while (left > 0)
            {
                var result = await server.Input.ReadAsync();
                left -= (int)result.Buffer.Length;
                server.Input.AdvanceTo(result.Buffer.End);
            }

            for (var i = 0; i < waits.Length; i++)
            {
                await waits[i];
            }
        }
    });

    [Fact]
    public void A_stream_allocates_nothing_either() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var message = new byte[1000];
        var buffer = new byte[1000];
        await AssertAllocatesNothing(Exchange);

        async Coroutine Exchange()
        {
            var read = server.AsStream().ReadAsync(buffer);
            await client.AsStream().WriteAsync(message);
            if (await read != message.Length)
            {
                throw new InvalidOperationException("The read was short.");
            }
        }
    });

    [Fact]
    public void An_idle_connection_takes_at_most_a_kilobyte_and_a_half_with_its_task() => NetTest.RunOnEpoll(async test =>
    {
        const int Count = 500;
        var isOpen = true;
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo, new ServerOptions { Backlog = 2 * Count });
        test.Calls.OnAccept = _ => isOpen ? null : -Errno.EAGAIN;
        var clients = new List<LoopSocket>(2 * Count);
        await Connect(Count);
        await NetTest.Until(() => server.AcceptedCount == Count);
        isOpen = false;
        await Connect(Count - 1);
        // Blocks that lie in the driver's pool, at most a fixed number after a burst, are nobody's.
        var blocks = EventLoop.Current.Driver.Blocks;
        var before = GC.GetTotalMemory(forceFullCollection: true) - ((long)blocks.FreeCount * IoBlockPool.BlockSize);

        // The clients are there already; now the server gets them all.
        isOpen = true;
        await Connect(1);
        await NetTest.Until(() => server.AcceptedCount == 2 * Count);

        // The memory is that of the whole process: the least of a few readings is without what the test runner has in hand for a moment.
        var taken = long.MaxValue;
        for (var reading = 0; reading < 5; reading++)
        {
            await NetTest.Polls(2);
            taken = Math.Min(
                taken, GC.GetTotalMemory(forceFullCollection: true) - ((long)blocks.FreeCount * IoBlockPool.BlockSize) - before);
        }

        Assert.Equal(0, blocks.LentCount);
        Assert.True(
            taken / Count is >= 500 and <= 1500, $"{taken / Count} bytes each; {blocks.LentCount} blocks lent, {blocks.FreeCount} free");
        TestContext.Current.TestOutputHelper?.WriteLine($"{taken / Count} bytes a connection");
        foreach (var client in clients)
        {
            client.Dispose();
        }

        await NetTest.Until(() => server.ConnectionCount == 0);

        async Coroutine Connect(int count)
        {
            for (var i = 0; i < count; i++)
            {
                var client = LoopSocket.Create(System.Net.Sockets.AddressFamily.InterNetwork);
                clients.Add(client);
                await client.ConnectAsync(server.EndPoints[0]);
            }
        }
    });

    /// <summary>
    /// Repeats something until a whole batch of it has allocated nothing. Until the runtime has compiled all of it for good, some of it
    /// does allocate.
    /// </summary>
    internal static async Coroutine AssertAllocatesNothing(Func<Coroutine> round)
    {
        var least = long.MaxValue;
        for (var batch = 0; batch < 500 && least > 0; batch++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 200; i++)
            {
                await round();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
    }
}

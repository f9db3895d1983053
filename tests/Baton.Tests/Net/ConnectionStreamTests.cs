using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Baton.Tests.Net;

/// <summary>A <see cref="Connection"/> as a stream, on the loop and off it, with the BCL's own guests on it.</summary>
public class ConnectionStreamTests
{
    [Fact]
    public void Reads_and_writes_on_the_loop() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var stream = server.AsStream();
        Assert.Same(stream, server.AsStream());
        var buffer = new byte[10];
        var read = Coroutine.Start(stream.ReadAsync(buffer).ToCoroutine());
        await NetTest.Iterate();
        Assert.False(read.IsDone);
        await client.AsStream().WriteAsync(new byte[] { 1, 2, 3 });
        await client.AsStream().FlushAsync();
        Assert.Equal(3, await read);
        Assert.Equal([1, 2, 3], buffer[..3]);
        await client.CompleteOutputAsync();
        Assert.Equal(0, await stream.ReadAsync(buffer));
        Assert.Equal(0, await stream.ReadAsync(buffer));
    });

    [Fact]
    public void A_read_without_a_buffer_waits_until_there_is_something() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var wait = Coroutine.Start(server.AsStream().ReadAsync(Memory<byte>.Empty).ToCoroutine());
        await NetTest.Iterate(20);
        Assert.False(wait.IsDone);
        await client.WriteAsync(new byte[1]);
        Assert.Equal(0, await wait);
        Assert.Equal(0, test.Driver.Blocks.LentCount);
        Assert.Equal(1, await server.AsStream().ReadAsync(new byte[5]));

        wait = Coroutine.Start(server.AsStream().ReadAsync(Memory<byte>.Empty).ToCoroutine());
        await NetTest.Iterate(20);
        await client.CompleteOutputAsync();
        Assert.Equal(0, await wait);
        Assert.Equal(0, await server.AsStream().ReadAsync(new byte[5]));
    });

    [Fact]
    public void The_stream_takes_first_what_the_pipe_has_left() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        await client.WriteAsync("line\nrest"u8.ToArray());
        Assert.Equal("line", await server.Input.ReadLineAsync());
        var buffer = new byte[3];
        Assert.Equal(3, await server.AsStream().ReadAsync(buffer));
        Assert.Equal("res"u8.ToArray(), buffer);
        Assert.Equal("t"u8.ToArray(), await server.Input.ReadExactlyAsync(1));
    });

    [Fact]
    public void A_synchronous_call_on_the_loop_is_refused_with_the_remedy() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var stream = client.AsStream();
        Assert.Contains("ReadAsync", Assert.Throws<NotSupportedException>(() => stream.ReadByte()).Message, StringComparison.Ordinal);
        Assert.Contains("WriteAsync", Assert.Throws<NotSupportedException>(() => stream.WriteByte(1)).Message, StringComparison.Ordinal);
        stream.Flush();
    });

    [Fact]
    public void Another_thread_may_read_and_write_at_once_synchronously_or_not() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        var bytes = NetTest.Pattern(3 << 20);
        var echo = Coroutine.Start(Echo(server));
        var stream = client.AsStream();
        var received = new MemoryStream();
        await Coroutine.FromTask(Task.WhenAll(
            Task.Run(async () =>
            {
                await stream.WriteAsync(bytes.AsMemory(0, 1 << 20));
                Assert.False(test.Loop.IsOnLoopThread && SynchronizationContext.Current is not null);
                await Task.Yield();
                await stream.WriteAsync(bytes.AsMemory(1 << 20, 1 << 20));
                await Task.Run(() => stream.Write(bytes, 2 << 20, 1 << 20));
            }),
            Task.Run(async () =>
            {
                var buffer = new byte[10_000];
                while (received.Length < bytes.Length)
                {
                    await Task.Yield();
                    received.Write(buffer, 0, await stream.ReadAsync(buffer));
                    if (received.Length < bytes.Length)
                    {
                        await Task.Run(() => received.Write(buffer, 0, stream.Read(buffer)));
                    }
                }
            })));
        Assert.Equal(bytes, received.ToArray());
        await client.CompleteOutputAsync();
        await echo;
    });

    [Fact]
    public void A_token_cancels_a_read_off_the_loop() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var stream = server.AsStream();
        await Coroutine.FromTask(Task.Run(async () =>
        {
            using var source = new CancellationTokenSource();
            var read = stream.ReadAsync(new byte[10], source.Token).AsTask();
            source.Cancel();
            var failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read).ConfigureAwait(false);
            Assert.Equal(source.Token, failure.CancellationToken);
        }));
        await client.WriteAsync(new byte[2]);
        Assert.Equal(2, await stream.ReadAsync(new byte[10]));
    });

    [Fact]
    public void Disposing_off_the_loop_closes_the_connection_on_it() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var two = server;
        await Coroutine.FromTask(Task.Run(client.AsStream().Dispose));
        await NetTest.Until(() => client.IsClosed);
        Assert.True((await server.Input.ReadAsync()).IsCompleted);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await client.AsStream().ReadExactlyAsync(new byte[1]));
    });

    [Fact]
    public void A_loop_that_closes_over_a_call_of_another_thread_ends_it() => LoopTest.OnThread(() =>
    {
        var loop = new EventLoop(new EventLoopOptions { Driver = TestDriver.Create() });
        Task<int>? started = null;
        Stream? stream = null;
        loop.RunUntilComplete(Leave());
        using var posted = LoopTest.StartThread(() =>
            Assert.Throws<IOException>(() => { stream!.Write(new byte[1]); }));
        Assert.False(started!.IsCompleted);
        loop.Dispose();
        Assert.Throws<IOException>(() => started.GetAwaiter().GetResult());

        async Coroutine Leave()
        {
            var (client, _) = await NetTest.Connect();
            stream = client.AsStream();
            started = Task.Run(async () => await stream.ReadAsync(new byte[1]));
            await NetTest.Polls(20);
        }
    });

    [Fact]
    public void A_plain_task_that_reads_the_stream_is_cancelled_with_the_loop_task_around_it() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var task = Coroutine.Start(ReadPlainly());
        await NetTest.Iterate();
        task.Cancel();
        await NetTest.AssertCancelled(task);

        async Coroutine ReadPlainly() => await Inner();

        async Task Inner()
        {
            using var reader = new StreamReader(server.AsStream(), leaveOpen: true);
            await reader.ReadLineAsync().ConfigureAwait(false);
        }
    });

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public void Tls_on_both_ends(AddressFamily family) => NetTest.Run(async test =>
    {
        LoopSocketTests.SkipWithout(family);
        using var certificate = TestCertificate.Create();
        var (client, server) = await NetTest.Connect(family);
        var bytes = NetTest.Pattern(1 << 20);
        var serve = Coroutine.Start(Serve());
        await using (var tls = new SslStream(client.AsStream(), leaveInnerStreamOpen: false, TestCertificate.Accept))
        {
            await tls.AuthenticateAsClientAsync("localhost");
            Assert.True(test.Loop.IsOnLoopThread);
            var write = Coroutine.Start(Write(tls));
            var received = new byte[bytes.Length];
            await tls.ReadExactlyAsync(received);
            Assert.Equal(bytes, received);
            await write;
            await tls.ShutdownAsync();
            Assert.Equal(0, await tls.ReadAsync(received));
        }

        await serve;
        Assert.True(client.IsClosed);

        async Coroutine Write(SslStream tls) => await tls.WriteAsync(bytes);

        async Coroutine Serve()
        {
            await using var tls = new SslStream(server.AsStream());
            await tls.AuthenticateAsServerAsync(certificate);
            var buffer = new byte[20_000];
            while (await tls.ReadAsync(buffer) is var count and > 0)
            {
                await tls.WriteAsync(buffer.AsMemory(0, count));
            }
        }
    });

    [Fact]
    public void Text_readers_and_writers_work() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        await using (var writer = new StreamWriter(client.AsStream(), Encoding.UTF8, leaveOpen: true))
        {
            await writer.WriteLineAsync("grüß dich");
        }

        using var reader = new StreamReader(server.AsStream(), Encoding.UTF8, leaveOpen: true);
        Assert.Equal("grüß dich", await reader.ReadLineAsync());
    });

    private static async Coroutine Echo(Connection connection)
    {
        await using var owned = connection;
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            if (read.Buffer.IsEmpty && read.IsCompleted)
            {
                return;
            }

            foreach (var segment in read.Buffer)
            {
                await connection.WriteAsync(segment);
            }

            connection.Input.AdvanceTo(read.Buffer.End);
        }
    }
}

using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Baton.Tests.Conformance;

/// <summary>What asyncio's streams promise, of connections and servers.</summary>
public class StreamsConformanceTests
{
    [Fact]
    [CPython("test_streams.StreamTests.test_open_connection")]
    [CPython("test_streams.StreamTests.test_async_writer_api")]
    [CPython("test_streams.StreamTests.test_wait_closed_on_close")]
    public void A_client_writes_reads_a_line_and_the_rest_and_closes() => NetTest.Run(async () =>
    {
        await using var server = await ServePage();
        var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await client.WriteAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray());
        Assert.Equal("HTTP/1.0 200 OK", await client.Input.ReadLineAsync());
        Assert.EndsWith("\r\n\r\nTest message", Encoding.ASCII.GetString(await client.Input.ReadToEndAsync()), StringComparison.Ordinal);
        Assert.False(client.IsClosed);
        await client.CloseAsync();
        Assert.True(client.IsClosed);
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_wait_closed_on_close_with_unread_data")]
    public void Closing_does_not_wait_for_what_nobody_has_read() => NetTest.Run(async () =>
    {
        await using var server = await ServePage();
        var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await client.WriteAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray());
        Assert.Equal("HTTP/1.0 200 OK", await client.Input.ReadLineAsync());
        var closing = client.CloseAsync();
        Assert.True(closing.IsCompletedSuccessfully);
        await closing;
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_async_writer_api_exception_after_close")]
    public void A_write_after_the_close_fails() => NetTest.Run(async () =>
    {
        await using var server = await ServePage();
        var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await client.CloseAsync();
        var failure = await Assert.ThrowsAnyAsync<Exception>(async () => await client.WriteAsync("data"u8.ToArray()));
        Assert.True(failure is IOException or ObjectDisposedException, failure.ToString());
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_eof_feed_when_closing_writer", Improvement = "A read after one's own close is an error: it is not the peer who has ended.")]
    public void A_read_after_the_close_does_not_wait() => NetTest.Run(async () =>
    {
        await using var server = await ServePage();
        var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await client.CloseAsync();
        await Assert.ThrowsAnyAsync<Exception>(async () => await client.Input.ReadToEndAsync());
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_open_connection_error")]
    public void The_failure_of_a_connection_comes_out_of_reading_and_is_reported_nowhere_else() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        server.Abort();
        var failure = await Assert.ThrowsAsync<IOException>(async () => await client.Input.ReadToEndAsync());
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_start_server", Improvement = "The handler is a coroutine; a callback that starts a task of its own would lose its connection when it returns.")]
    public void A_server_answers_a_line_to_clients_that_come_by_host_and_port() => NetTest.Run(async () =>
    {
        var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            var line = await connection.Input.ReadLineAsync();
            await connection.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"));
            await connection.CloseAsync();
        });
        var client = await Connection.ConnectAsync("127.0.0.1", ((IPEndPoint)server.EndPoints[0]).Port);
        await client.WriteAsync("hello world!\n"u8.ToArray());
        Assert.Equal("hello world!", await client.Input.ReadLineAsync());
        await client.CloseAsync();
        server.StopAccepting();
        await server.WaitClosedAsync();
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_drain_raises")]
    public void Writing_on_and_on_to_a_peer_that_has_closed_ends_with_a_failure() => NetTest.Run(async () =>
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var peer = LoopTest.StartThread(() => listener.AcceptTcpClient().Close());
        await using var client = await Connection.ConnectAsync(listener.LocalEndpoint);
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            while (true)
            {
                await client.WriteAsync("foo\n"u8.ToArray());
            }
        });
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_unhandled_exception")]
    public void A_handler_that_throws_is_reported_once() => NetTest.Run(async test =>
    {
        await RunClientOf(_ => throw new InvalidDataException("test"));
        var report = Assert.Single(test.TakeReports());
        Assert.Equal("test", report.Exception!.Message);
        Assert.IsType<Connection>(report.Source);
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_unhandled_cancel")]
    public void A_handler_that_cancels_itself_is_not_reported() => NetTest.Run(async test =>
    {
        await RunClientOf(async connection =>
        {
            await connection.CloseAsync();
            LoopTask.Current!.Cancel();
            await Coroutine.Yield();
        });
        Assert.Empty(test.TakeReports());
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_unclosed_server_resource_warnings", Improvement = "The server closes what its handler leaves open.")]
    public void A_handler_that_leaves_its_connection_open_leaves_nothing() => NetTest.Run(
        options =>
        {
            options.Debug = true;
            options.SlowCallbackDuration = TimeSpan.FromMinutes(1);
            options.WarningHandler = (_, warning) => Assert.Fail(warning.ToString());
        },
        async test =>
        {
            await RunClientOf(async connection => await connection.Input.ReadAsync());
            await NetTest.Until(() => test.Driver.OpenSocketCount == 0);
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await NetTest.Iterate();
        });

    /// <summary>Serves one page, as an old web server does.</summary>
    private static Coroutine<Server> ServePage() => Server.StartAsync("127.0.0.1", 0, async connection =>
    {
        while (await connection.Input.ReadLineAsync() is { Length: > 0 })
        {
        }

        await connection.WriteAsync("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nTest message"u8.ToArray());
    });

    /// <summary>Has a client come, send something and go, and the server end.</summary>
    private static async Coroutine RunClientOf(Func<Connection, Coroutine> handler)
    {
        var hasCome = false;
        var server = await Server.StartAsync("127.0.0.1", 0, connection =>
        {
            hasCome = true;
            return handler(connection);
        });
        var client = await Connection.ConnectAsync(server.EndPoints[0]);
        try
        {
            await client.WriteAsync("test msg"u8.ToArray());
        }
        catch (IOException)
        {
            // The handler has thrown already.
        }

        client.Dispose();
        await NetTest.Until(() => hasCome && server.ConnectionCount == 0);
        server.StopAccepting();
        await server.WaitClosedAsync();
    }
}

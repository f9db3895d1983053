using System.Net;
using System.Net.Security;
using System.Text;
using Baton.Drivers;

namespace Baton.Tests.Net;

/// <summary>The BCL's <see cref="HttpClient"/> on a loop's sockets.</summary>
public class HttpExtensionsTests
{
    [Fact]
    public void Many_requests_at_once_from_the_loop() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, ServePages);
        var port = ((IPEndPoint)server.EndPoints[0]).Port;
        using (var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 10 }.UseEventLoop(test.Loop)))
        {
            var fetches = Enumerable.Range(0, 200).Select(i => Coroutine.Start(Fetch(i))).ToList();
            for (var i = 0; i < fetches.Count; i++)
            {
                Assert.Equal($"page /{i}", await fetches[i]);
            }

            Assert.InRange(server.ConnectionCount, 1, 10);

            async Coroutine<string> Fetch(int i)
            {
                var text = await http.GetStringAsync($"http://127.0.0.1:{port}/{i}");
                Assert.True(test.Loop.IsOnLoopThread);
                return text;
            }
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
    });

    [Fact]
    public void Requests_from_other_threads() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, ServePages);
        var port = ((IPEndPoint)server.EndPoints[0]).Port;
        using (var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 4 }.UseEventLoop(test.Loop)))
        {
            await Coroutine.FromTask(Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(async () =>
                Assert.Equal($"page /{i}", await http.GetStringAsync($"http://127.0.0.1:{port}/{i}"))))));
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
    });

    [Fact]
    public void Tls() => NetTest.Run(async test =>
    {
        using var certificate = TestCertificate.Create();
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            await using var tls = new SslStream(connection.AsStream());
            await tls.AuthenticateAsServerAsync(certificate);
            using var reader = new StreamReader(tls);
            while (await reader.ReadLineAsync() is { Length: > 0 })
            {
            }

            await tls.WriteAsync(Page("secret"));
            await tls.ShutdownAsync();
        });
        var handler = new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = TestCertificate.Accept } }.UseEventLoop(test.Loop);
        using (var http = new HttpClient(handler))
        {
            Assert.Equal("secret", await http.GetStringAsync($"https://127.0.0.1:{((IPEndPoint)server.EndPoints[0]).Port}/"));
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
    });

    [Fact]
    public void A_refused_connection_and_a_timeout_are_HttpClients_own_errors() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection => await connection.Input.ReadLineAsync(1_000_000));
        var free = NetTest.Listen();
        var refused = ((IPEndPoint)free.LocalEndPoint!).Port;
        free.Dispose();
        using (var http = new HttpClient(new SocketsHttpHandler().UseEventLoop(test.Loop)))
        {
            var failure = await Assert.ThrowsAsync<HttpRequestException>(async () => await http.GetStringAsync($"http://127.0.0.1:{refused}/"));
            Assert.Equal(HttpRequestError.ConnectionError, failure.HttpRequestError);
        }

        await using var silent = await Server.StartAsync("127.0.0.1", 0, async connection => await Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        using (var http = new HttpClient(new SocketsHttpHandler().UseEventLoop(test.Loop)) { Timeout = TimeSpan.FromMilliseconds(50) })
        {
            var url = $"http://127.0.0.1:{((IPEndPoint)silent.EndPoints[0]).Port}/";
            var failure = await Assert.ThrowsAsync<TaskCanceledException>(async () => await http.GetStringAsync(url));
            Assert.IsType<TimeoutException>(failure.InnerException);
        }
    });

    [Fact]
    public void A_connect_that_is_given_up_closes_its_socket() => NetTest.RunOnEpoll(async test =>
    {
        using var listener = NetTest.Listen();
        test.Calls.OnConnect = _ => -Errno.EALREADY;
        var handler = new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromMilliseconds(20) }.UseEventLoop(test.Loop);
        test.Calls.OnEpollAdd = () => 0; // Nothing is ever heard of the attempt.
        using (var http = new HttpClient(handler))
        {
            await Assert.ThrowsAnyAsync<Exception>(async () => await http.GetStringAsync($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndPoint!).Port}/"));
        }

        await NetTest.Until(() => test.Driver.OpenSocketCount == 1);
    });

    [Fact]
    public void A_request_after_the_loop_has_closed_fails() => LoopTest.OnThread(() =>
    {
        var loop = new EventLoop(new EventLoopOptions { Driver = TestDriver.Create() });
        using var http = new HttpClient(new SocketsHttpHandler().UseEventLoop(loop));

        // Posted, and never run.
        var request = Task.Run(() => http.GetStringAsync("http://127.0.0.1:1/"));
        loop.Dispose();
        Assert.ThrowsAny<Exception>(() => request.GetAwaiter().GetResult());
        Assert.ThrowsAny<Exception>(() => http.GetStringAsync("http://127.0.0.1:1/").GetAwaiter().GetResult());
    });

    internal static byte[] Page(string body) =>
        Encoding.UTF8.GetBytes($"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    /// <summary>Serves as much of HTTP as a page takes.</summary>
    internal static async Coroutine ServePages(Connection connection)
    {
        while (await connection.Input.ReadLineAsync() is { } request)
        {
            while (await connection.Input.ReadLineAsync() is { Length: > 0 })
            {
            }

            await connection.WriteAsync(Page($"page {request.Split(' ')[1]}"));
        }
    }
}

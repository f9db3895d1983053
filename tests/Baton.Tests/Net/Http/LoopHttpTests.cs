using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Baton.Drivers;

namespace Baton.Tests.Net;

/// <summary>The BCL's <see cref="HttpClient"/> on a loop's connections.</summary>
public class LoopHttpTests
{
    [Fact]
    public void Many_requests_at_once_from_the_loop() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, ServePages);
        using (var http = CreateClient(handler => handler.MaxConnectionsPerServer = 10))
        {
            var fetches = Enumerable.Range(0, 300).Select(i => Coroutine.Start(Fetch(i))).ToList();
            for (var i = 0; i < fetches.Count; i++)
            {
                Assert.Equal($"page /{i}", await fetches[i]);
            }

            Assert.InRange(server.ConnectionCount, 1, 10);

            async Coroutine<string> Fetch(int i)
            {
                var text = await http.GetStringAsync(UrlOf(server, i.ToString()));
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
        using (var http = CreateClient(handler => handler.MaxConnectionsPerServer = 4))
        {
            await Coroutine.FromTask(Task.WhenAll(Enumerable.Range(0, 50).Select(i => Task.Run(async () =>
                Assert.Equal($"page /{i}", await http.GetStringAsync(UrlOf(server, i.ToString())))))));
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
    });

    [Fact]
    public void Tls() => NetTest.Run(async _ =>
    {
        using var certificate = TestCertificate.Create();
        await using var server = await StartTls(certificate, SslApplicationProtocol.Http11, ServePages);
        using (var http = CreateClient(AcceptTestCertificate))
        {
            Assert.Equal("page /secret", await http.GetStringAsync(UrlOf(server, "secret", "https")));
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
    });

    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public void Requests_over_a_connection_that_stands_stay_on_the_loops_thread(string scheme) => NetTest.Run(async test =>
    {
        using var certificate = TestCertificate.Create();
        await using var server = scheme == "http"
            ? await Server.StartAsync("127.0.0.1", 0, ServePages)
            : await StartTls(certificate, SslApplicationProtocol.Http11, ServePages);
        var strays = 0;
        var calls = 0;
        Action onCall = () =>
        {
            calls++;
            strays += test.Loop.IsOnLoopThread ? 0 : 1;
        };
        using (var http = CreateClient(handler =>
        {
            AcceptTestCertificate(handler);
            handler.PlaintextStreamFilter = (context, _) =>
                ValueTask.FromResult<Stream>(new ObservedStream(context.PlaintextStream, onCall));
        }))
        {
            await http.GetStringAsync(UrlOf(server, "first", scheme));
            strays = 0;
            calls = 0;
            for (var i = 0; i < 50; i++)
            {
                Assert.Equal($"page /{i}", await http.GetStringAsync(UrlOf(server, i.ToString(), scheme)));
                Assert.True(test.Loop.IsOnLoopThread);
            }

            Assert.Equal(1, server.ConnectionCount);
            Assert.InRange(calls, 100, int.MaxValue);
            Assert.Equal(0, strays);
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
    });

    [Fact]
    public void Http_2_with_and_without_tls() => NetTest.Run(async test =>
    {
        using var certificate = TestCertificate.Create();
        var body = "hello"u8.ToArray();
        await using var plain = await Server.StartAsync(
            "127.0.0.1", 0, async connection => await Http2TestServer.Serve(connection.AsStream(), body));
        await using var secure = await StartTls(
            certificate, SslApplicationProtocol.Http2, async tls => await Http2TestServer.Serve(tls, body));
        using (var http = CreateClient(AcceptTestCertificate))
        {
            http.DefaultRequestVersion = HttpVersion.Version20;
            http.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
            foreach (var url in new[] { UrlOf(plain, "a"), UrlOf(secure, "a", "https") })
            {
                var fetches = Enumerable.Range(0, 100).Select(_ => Coroutine.Start(Fetch(url))).ToList();
                foreach (var fetch in fetches)
                {
                    Assert.Equal("hello", await fetch);
                }
            }

            Assert.Equal((1, 1), (plain.ConnectionCount, secure.ConnectionCount));

            async Coroutine<string> Fetch(string url)
            {
                using var response = await http.GetAsync(url, HttpCompletionOption.ResponseHeadersRead);
                Assert.Equal(HttpVersion.Version20, response.Version);
                var text = await response.Content.ReadAsStringAsync();
                Assert.True(test.Loop.IsOnLoopThread);
                return text;
            }
        }

        await NetTest.Until(() => plain.ConnectionCount + secure.ConnectionCount == 0);
    });

    [Fact]
    public void Cancelling_a_task_ends_its_request_for_which_no_answer_comes() => NetTest.Run(async test =>
    {
        await using var silent = await Server.StartAsync("127.0.0.1", 0, NeverAnswer);
        using (var http = CreateClient(handler => handler.MaxConnectionsPerServer = 1))
        {
            var first = Coroutine.Start(Fetch(http, silent));
            var second = Coroutine.Start(Fetch(http, silent)); // It waits for the only connection that there may be.
            await NetTest.Until(() => silent.ConnectionCount == 1);
            second.Cancel();
            await NetTest.AssertCancelled(second);
            Assert.False(first.IsDone);
            first.Cancel();
            await NetTest.AssertCancelled(first);
            await NetTest.Until(() => silent.ConnectionCount == 0);

            await Assert.ThrowsAsync<TimeoutException>(async () =>
                await LoopTimeout.Run(TimeSpan.FromMilliseconds(20), async Coroutine () => await http.GetStringAsync(UrlOf(silent, ""))));
            Assert.Equal(0, LoopTask.Current!.CancelRequests);
        }

        await NetTest.Until(() => silent.ConnectionCount == 0);
    });

    [Fact]
    public void A_task_that_was_cancelled_may_make_requests_as_it_cleans_up() => NetTest.Run(async _ =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, ServePages);
        using (var http = CreateClient())
        {
            string? page = null;
            var task = Coroutine.Start(Work());
            await NetTest.Iterate();
            task.Cancel();
            await NetTest.AssertCancelled(task);
            Assert.Equal("page /clean-up", page);

            async Coroutine Work()
            {
                try
                {
                    Assert.False(LoopTask.Current!.CancellationToken.IsCancellationRequested);
                    await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
                }
                finally
                {
                    page = await http.GetStringAsync(UrlOf(server, "clean-up"));
                }
            }
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Cancelling_a_task_ends_its_request_in_the_middle_of_the_body(int version) => NetTest.Run(async _ =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            if (version == 2)
            {
                await Http2TestServer.Serve(connection.AsStream(), "half"u8.ToArray(), isComplete: false);
                return;
            }

            await ReadHead(connection);
            await connection.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf"u8.ToArray());
            try
            {
                await connection.Input.ReadAsync();
            }
            catch (IOException)
            {
                // The client may go by a reset: it has not read everything.
            }
        });
        using (var http = CreateClient())
        {
            http.DefaultRequestVersion = new Version(version, version == 1 ? 1 : 0);
            http.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
            var received = 0;
            Func<Coroutine>[] ways = [ByStream, Buffered, Copied];
            foreach (var way in ways)
            {
                received = 0;
                var task = Coroutine.Start(way());
                await NetTest.Until(() => received == 4);
                await NetTest.Polls(10);
                task.Cancel();
                await NetTest.AssertCancelled(task);
            }

            async Coroutine ByStream()
            {
                using var response = await http.GetAsync(UrlOf(server, ""), HttpCompletionOption.ResponseHeadersRead);
                await using var stream = await response.Content.ReadAsStreamAsync();
                var buffer = new byte[16];
                while (await stream.ReadAsync(buffer) is var count and > 0)
                {
                    received += count;
                }
            }

            async Coroutine Buffered()
            {
                received = 4; // Nobody sees when.
                await http.GetStringAsync(UrlOf(server, ""));
            }

            async Coroutine Copied()
            {
                using var response = await http.GetAsync(UrlOf(server, ""), HttpCompletionOption.ResponseHeadersRead);
                received = 4;
                await response.Content.CopyToAsync(new MemoryStream());
            }
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
    });

    [Fact]
    public void A_client_without_the_tasks_handler_is_ended_by_a_token() => NetTest.Run(async _ =>
    {
        await using var silent = await Server.StartAsync("127.0.0.1", 0, NeverAnswer);
        var handler = LoopHttp.CreateHandler();
        handler.UseProxy = false;
        using (var http = new HttpClient(handler))
        {
            var task = Coroutine.Start(Fetch());
            await NetTest.Until(() => silent.ConnectionCount == 1);
            task.Cancel();
            await NetTest.AssertCancelled(task);

            async Coroutine Fetch() => await http.GetStringAsync(UrlOf(silent, ""), LoopTask.Current!.CancellationToken);
        }

        await NetTest.Until(() => silent.ConnectionCount == 0);
    });

    [Fact]
    public void The_clients_own_time_out_and_a_refused_connection_are_its_own_errors() => NetTest.Run(async _ =>
    {
        var free = NetTest.Listen();
        var refused = ((IPEndPoint)free.LocalEndPoint!).Port;
        free.Dispose();
        using (var http = CreateClient())
        {
            var failure = await Assert.ThrowsAsync<HttpRequestException>(
                async () => await http.GetStringAsync($"http://127.0.0.1:{refused}/"));
            Assert.Equal(HttpRequestError.ConnectionError, failure.HttpRequestError);
        }

        await using var silent = await Server.StartAsync("127.0.0.1", 0, NeverAnswer);
        using (var http = CreateClient())
        {
            http.Timeout = TimeSpan.FromMilliseconds(50);
            var failure = await Assert.ThrowsAsync<TaskCanceledException>(async () => await http.GetStringAsync(UrlOf(silent, "")));
            Assert.IsType<TimeoutException>(failure.InnerException);
        }

        await NetTest.Until(() => silent.ConnectionCount == 0);
    });

    [Fact]
    public void A_name_whose_addresses_all_refuse() => NetTest.Run(
        options =>
            options.NameResolver = new TestResolver(
                (_, _) => Coroutine.FromResult<IPAddress[]>([IPAddress.Loopback, IPAddress.Parse("127.0.0.2")])),
        async _ =>
        {
            var free = NetTest.Listen();
            var port = ((IPEndPoint)free.LocalEndPoint!).Port;
            free.Dispose();
            using var http = CreateClient();
            var failure = await Assert.ThrowsAsync<HttpRequestException>(
                async () => await http.GetStringAsync($"http://web.example:{port}/"));
            Assert.Equal(HttpRequestError.ConnectionError, failure.HttpRequestError);
            Assert.Contains("127.0.0.1", failure.Message, StringComparison.Ordinal);
            Assert.Contains("127.0.0.2", failure.Message, StringComparison.Ordinal);
        });

    [Fact]
    public void A_name_that_cannot_be_resolved() => NetTest.Run(
        options => options.NameResolver = TestResolver.Failing(SocketError.HostNotFound),
        async _ =>
        {
            using var http = CreateClient();
            var failure = await Assert.ThrowsAsync<HttpRequestException>(async () => await http.GetStringAsync("http://web.example/"));
            Assert.Equal(HttpRequestError.NameResolutionError, failure.HttpRequestError);
            Assert.Contains("web.example", failure.Message, StringComparison.Ordinal);
        });

    [Fact]
    public void A_name_that_takes_too_long_is_cut_off_by_the_handlers_connect_time_out() => NetTest.Run(
        options => options.NameResolver = TestResolver.Late(TimeSpan.FromHours(1), IPAddress.Loopback),
        async test =>
        {
            using var http = CreateClient(handler => handler.ConnectTimeout = TimeSpan.FromMilliseconds(20));
            var failure = await Assert.ThrowsAsync<TaskCanceledException>(async () => await http.GetStringAsync("http://web.example/"));
            Assert.IsType<TimeoutException>(failure.InnerException);
            await NetTest.Until(() => test.Loop.AllTasks().Count == 1); // The attempt has gone, too.
        });

    [Fact]
    public void A_connect_that_is_given_up_closes_its_socket() => NetTest.RunOnEpoll(async test =>
    {
        using var listener = NetTest.Listen();
        test.Calls.OnConnect = _ => -Errno.EALREADY;
        test.Calls.OnEpollAdd = () => 0; // Nothing is ever heard of the attempt.
        using (var http = CreateClient(handler => handler.ConnectTimeout = TimeSpan.FromMilliseconds(20)))
        {
            await Assert.ThrowsAnyAsync<Exception>(
                async () => await http.GetStringAsync($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndPoint!).Port}/"));
        }

        await NetTest.Until(() => test.Driver.OpenSocketCount == 1);
    });

    [Fact]
    public void A_certificate_that_nobody_vouches_for_is_refused() => NetTest.Run(async _ =>
    {
        using var certificate = TestCertificate.Create();
        await using var server = await StartTls(certificate, SslApplicationProtocol.Http11, ServePages);
        using (var http = CreateClient())
        {
            var failure = await Assert.ThrowsAsync<HttpRequestException>(async () => await http.GetStringAsync(UrlOf(server, "", "https")));
            Assert.Equal(HttpRequestError.SecureConnectionError, failure.HttpRequestError);
            Assert.IsType<AuthenticationException>(failure.InnerException);
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
    });

    [Fact]
    public void A_server_that_ends_in_the_middle_of_a_body_and_one_whose_head_never_ends_are_errors() => NetTest.Run(async _ =>
    {
        await using var broken = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            await ReadHead(connection);
            await connection.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf"u8.ToArray());
        });
        await using var endless = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            await ReadHead(connection);
            await connection.WriteAsync("HTTP/1.1 200 OK\r\n"u8.ToArray());
            try
            {
                while (true)
                {
                    await connection.WriteAsync("X-More: and more, and more, and more, and more\r\n"u8.ToArray());
                }
            }
            catch (IOException)
            {
                // The client has had enough.
            }
        });
        using (var http = CreateClient())
        {
            var failure = await Assert.ThrowsAsync<HttpRequestException>(async () => await http.GetStringAsync(UrlOf(broken, "")));
            Assert.Equal(HttpRequestError.ResponseEnded, Assert.IsType<HttpIOException>(failure.InnerException).HttpRequestError);
            failure = await Assert.ThrowsAsync<HttpRequestException>(async () => await http.GetStringAsync(UrlOf(endless, "")));
            Assert.Equal(HttpRequestError.ConfigurationLimitExceeded, failure.HttpRequestError);
        }

        await NetTest.Until(() => broken.ConnectionCount + endless.ConnectionCount == 0);
    });

    [Fact]
    public void Connections_that_a_client_keeps_are_closed_with_the_loop() => LoopTest.OnThread(() =>
    {
        var log = new LogRecorder();
        var warnings = new List<LoopWarning>();
        HttpClient? http = null;
        Connection? kept = null;
        var options = new EventLoopOptions
        {
            Debug = true,
            LoggerFactory = log,
            WarningHandler = (_, warning) => warnings.Add(warning),
            SlowCallbackDuration = TimeSpan.FromMinutes(1),
        };
        EventLoop.Run(
            async Coroutine () =>
            {
                await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
                {
                    kept = connection;
                    await ServePages(connection);
                });
                http = CreateClient();
                Assert.Equal("page /a", await http.GetStringAsync(UrlOf(server, "a")));
                Assert.False(kept!.IsClosed);
            },
            options);
        Assert.DoesNotContain(log.Entries, entry => entry.Id == 7); // Sockets that were left open.
        Assert.DoesNotContain(warnings, warning => warning.Kind == LoopWarningKind.UnclosedResource);
        http!.Dispose();
    });

    [Fact]
    public void A_request_after_the_loop_has_closed_fails() => LoopTest.OnThread(() =>
    {
        var loop = new EventLoop(new EventLoopOptions { Driver = TestDriver.Create() });
        using var http = LoopHttp.CreateClient(LoopHttp.CreateHandler(loop: loop));

        // Posted, and never run.
        var request = Task.Run(() => http.GetStringAsync("http://127.0.0.1:1/"));
        loop.Dispose();
        Assert.ThrowsAny<Exception>(() => request.GetAwaiter().GetResult());
        Assert.ThrowsAny<Exception>(() => http.GetStringAsync("http://127.0.0.1:1/").GetAwaiter().GetResult());
    });

    [Fact]
    public void A_handler_belongs_to_a_loop() =>
        Assert.Contains(
            "No event loop", Assert.Throws<InvalidOperationException>(() => LoopHttp.CreateHandler()).Message, StringComparison.Ordinal);

    internal static byte[] Page(string body) =>
        Encoding.UTF8.GetBytes(
            $"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}");

    /// <summary>Serves as much of HTTP as a page takes.</summary>
    internal static async Coroutine ServePages(Connection connection)
    {
        while (await ReadHead(connection) is { } request)
        {
            await connection.WriteAsync(Page($"page {request.Split(' ')[1]}"));
        }
    }

    private static HttpClient CreateClient(Action<SocketsHttpHandler>? configure = null)
    {
        var handler = LoopHttp.CreateHandler();
        handler.UseProxy = false;
        configure?.Invoke(handler);
        return LoopHttp.CreateClient(handler);
    }

    private static void AcceptTestCertificate(SocketsHttpHandler handler) =>
        handler.SslOptions.RemoteCertificateValidationCallback = TestCertificate.Accept;

    private static string UrlOf(Server server, string page, string scheme = "http") =>
        $"{scheme}://127.0.0.1:{((IPEndPoint)server.EndPoints[0]).Port}/{page}";

    private static async Coroutine<string> Fetch(HttpClient http, Server server) => await http.GetStringAsync(UrlOf(server, ""));

    private static async Coroutine NeverAnswer(Connection connection)
    {
        await ReadHead(connection);
        await connection.Input.ReadAsync();
    }

    private static async Coroutine<string?> ReadHead(Connection connection) => await ReadHead(connection.Input);

    private static async Coroutine<string?> ReadHead(PipeReader input)
    {
        var request = await input.ReadLineAsync();
        while (request is not null && await input.ReadLineAsync() is { Length: > 0 })
        {
        }

        return request;
    }

    private static async Coroutine ServePages(Stream stream)
    {
        var input = PipeReader.Create(stream);
        while (await ReadHead(input) is { } request)
        {
            await stream.WriteAsync(Page($"page {request.Split(' ')[1]}"));
        }
    }

    private static Coroutine<Server> StartTls(
        X509Certificate2 certificate, SslApplicationProtocol protocol, Func<Stream, Coroutine> serve) =>
        Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            await using var tls = new SslStream(connection.AsStream());
            try
            {
                await tls.AuthenticateAsServerAsync(
                    new SslServerAuthenticationOptions { ServerCertificate = certificate, ApplicationProtocols = [protocol] });
                await serve(tls);
            }
            catch (Exception exception) when (exception is IOException or AuthenticationException)
            {
                // The client did not like the certificate, or has gone without ceremony.
            }
        });

    /// <summary>Tells of every call.</summary>
    private sealed class ObservedStream(Stream inner, Action onCall) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            onCall();
            var count = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
            onCall();
            return count;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            onCall();
            await inner.WriteAsync(buffer, cancellationToken).ConfigureAwait(false);
            onCall();
        }

        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

        public override int Read(byte[] buffer, int offset, int count) => inner.Read(buffer, offset, count);

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

        public override void Flush() => inner.Flush();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            inner.Dispose();
            base.Dispose(disposing);
        }
    }
}

using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Security.Cryptography;

namespace Baton.Tests.Net.Counterparts;

/// <summary><see cref="HttpClient"/> on Baton's connections, and nginx at their other end.</summary>
public class NginxTests(NginxServer nginx) : IClassFixture<NginxServer>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_thousand_requests_over_at_most_a_hundred_connections(bool tls) =>
        Run(new SocketsHttpHandler { MaxConnectionsPerServer = 100 }, async http =>
        {
            var fetches = Enumerable.Range(0, 1000).Select(i => Coroutine.Start(Fetch(i))).ToList();
            var connections = new HashSet<string>();
            foreach (var fetch in fetches)
            {
                connections.Add(await fetch);
            }

            Assert.InRange(connections.Count, 1, 100);

            async Coroutine<string> Fetch(int i)
            {
                var answer = (await http.GetStringAsync($"{Base(tls)}/connection?{i}")).Split(' ');
                Assert.Equal($"/connection?{i}", answer[0]);
                return answer[1];
            }
        });

    [Theory]
    [InlineData(SslProtocols.None)]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void A_large_file_there_and_back(SslProtocols protocol) =>
        Run(new SocketsHttpHandler { SslOptions = { EnabledSslProtocols = protocol } }, async http =>
        {
            var tls = protocol != SslProtocols.None;
            var bytes = NetTest.Pattern(16 << 20);
            var name = $"large-{protocol}";
            using (var put = await http.PutAsync($"{Base(tls)}/{name}", new ByteArrayContent(bytes)))
            {
                Assert.Equal(HttpStatusCode.Created, put.StatusCode);
            }

            Assert.Equal(bytes, File.ReadAllBytes(nginx.FileOf(name)));
            await using var stream = await http.GetStreamAsync($"{Base(tls)}/{name}");
            Assert.Equal(SHA256.HashData(bytes), await SHA256.HashDataAsync(stream));
            if (tls)
            {
                Assert.StartsWith(
                    protocol == SslProtocols.Tls12 ? "TLSv1.2 " : "TLSv1.3 ",
                    await http.GetStringAsync($"{Base(tls)}/tls"),
                    StringComparison.Ordinal);
            }
        });

    [Fact]
    public void A_part_of_a_file() => Run(new SocketsHttpHandler(), async http =>
    {
        var bytes = NetTest.Pattern(100_000);
        File.WriteAllBytes(nginx.FileOf("parts"), bytes);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Base(tls: false)}/parts")
        {
            Headers = { Range = new RangeHeaderValue(70_000, null) },
        };
        using var answer = await http.SendAsync(request);
        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal(bytes[70_000..], await answer.Content.ReadAsByteArrayAsync());
        using var missing = await http.GetAsync($"{Base(tls: false)}/missing");
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Connections_that_the_server_closes_are_replaced(bool tls) => Run(new SocketsHttpHandler(), async http =>
    {
        var connections = new List<string>();
        for (var i = 0; i < 30; i++)
        {
            connections.Add(await http.GetStringAsync($"{Base(tls)}/brief"));
        }

        Assert.Equal(10, connections.Distinct().Count());
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_download_that_is_cancelled_leaves_nothing(bool tls) => Run(new SocketsHttpHandler(), async http =>
    {
        File.WriteAllBytes(nginx.FileOf($"slow-{tls}"), NetTest.Pattern(1 << 20));
        var begun = new AsyncEvent();
        var task = Coroutine.Start(Download());
        await begun.WaitAsync();
        task.Cancel();
        await NetTest.AssertCancelled(task);
        Assert.StartsWith("/connection", await http.GetStringAsync($"{Base(tls)}/connection"), StringComparison.Ordinal);

        async Coroutine Download()
        {
            var cancellation = LoopTask.Current!.CancellationToken;
            await using var stream = await http.GetStreamAsync($"{Base(tls)}/slow/slow-{tls}", cancellation);
            var buffer = new byte[1000];
            while (await stream.ReadAsync(buffer, cancellation) > 0)
            {
                begun.Set();
            }
        }
    });

    [Fact]
    public void A_server_that_is_gone_in_the_middle_is_an_error() => Run(new SocketsHttpHandler(), async http =>
    {
        using var mortal = new NginxServer();
        File.WriteAllBytes(mortal.FileOf("cut"), NetTest.Pattern(1 << 20));
        await using var stream = await http.GetStreamAsync($"http://127.0.0.1:{mortal.Port}/slow/cut");
        var buffer = new byte[1000];
        await stream.ReadExactlyAsync(buffer);
        mortal.Dispose();
        var failure = await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            while (await stream.ReadAsync(buffer) > 0)
            {
            }

            throw new InvalidOperationException("It passed for a whole file.");
        });
        Assert.False(failure is EndOfStreamException);
    });

    [Fact]
    public void A_name_or_an_authority_that_does_not_fit_is_refused() => Run(new SocketsHttpHandler(), async http =>
    {
        using var trusting = new HttpClient(new SocketsHttpHandler().UseEventLoop(EventLoop.Current));
        var stranger = await Assert.ThrowsAsync<HttpRequestException>(async () => await trusting.GetStringAsync($"{Base(tls: true)}/"));
        Assert.IsType<AuthenticationException>(stranger.InnerException);

        var misnamed = await Assert.ThrowsAsync<HttpRequestException>(
            async () => await http.GetStringAsync($"https://127.0.0.2:{nginx.TlsPort}/"));
        Assert.Equal(HttpRequestError.ConnectionError, misnamed.HttpRequestError);

        using var request = new HttpRequestMessage(HttpMethod.Get, $"{Base(tls: true)}/tls") { Headers = { Host = "elsewhere.example" } };
        var renamed = await Assert.ThrowsAsync<HttpRequestException>(async () => await http.SendAsync(request));
        Assert.IsType<AuthenticationException>(renamed.InnerException);
    });

    [Fact]
    public void The_clients_certificate() =>
        Run(new SocketsHttpHandler { SslOptions = { ClientCertificates = [nginx.Authority.Client] } }, async http =>
        {
            Assert.Equal("CN=a client", await http.GetStringAsync($"https://127.0.0.1:{nginx.MutualTlsPort}/"));

            using var nameless = new HttpClient(Trusting(new SocketsHttpHandler()));
            using var answer = await nameless.GetAsync($"https://127.0.0.1:{nginx.MutualTlsPort}/");
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nginx_stands_before_a_server_of_Baton(bool tls) =>
        Run(new SocketsHttpHandler { MaxConnectionsPerServer = 20 }, async http =>
        {
            await using var server = await Server.StartAsync("127.0.0.1", 0, LoopHttpTests.ServePages);
            var port = ((IPEndPoint)server.EndPoints[0]).Port;
            var fetches = Enumerable.Range(0, 200).Select(i => Coroutine.Start(Fetch(i))).ToList();
            for (var i = 0; i < fetches.Count; i++)
            {
                Assert.Equal($"page /{i}", await fetches[i]);
            }

            async Coroutine<string> Fetch(int i) => await http.GetStringAsync($"{Base(tls)}/to/{port}/{i}");
        });

    private string Base(bool tls) => tls ? $"https://127.0.0.1:{nginx.TlsPort}" : $"http://127.0.0.1:{nginx.Port}";

    private SocketsHttpHandler Trusting(SocketsHttpHandler handler)
    {
        handler.SslOptions.CertificateChainPolicy = nginx.Authority.Trust;
        return handler.UseEventLoop(EventLoop.Current);
    }

    private void Run(SocketsHttpHandler handler, Func<HttpClient, Coroutine> main) => NetTest.Run(async test =>
    {
        CounterpartProcess.Require("nginx");
        using (var http = new HttpClient(Trusting(handler)))
        {
            await main(http);
        }

        await NetTest.Until(() => test.Driver.OpenSocketCount == 0);
    });
}

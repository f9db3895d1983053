using System.Net;

namespace Baton.Tests.Net.Counterparts;

/// <summary>OpenBSD's nc, as a client and as a server.</summary>
public class NcTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void Nc_sends_half_closes_and_gets_everything_back(string host) => NetTest.Run(async () =>
    {
        LoopSocketTests.SkipWithout(IPAddress.Parse(host).AddressFamily);
        await using var server = await Server.StartAsync(host, 0, NetTest.Echo);
        var port = ((IPEndPoint)server.EndPoints[0]).Port;
        var text = string.Join('\n', Enumerable.Range(0, 20_000));
        var output = await CounterpartProcess.Run("nc", ["-N", host, $"{port}"], text);
        Assert.Equal(text, output);
    });

    [Fact]
    public void Nc_as_the_server() => NetTest.Run(async () =>
    {
        CounterpartProcess.Require("nc");
        var endPoint = new IPEndPoint(IPAddress.Loopback, CounterpartProcess.FreePort());
        var nc = Coroutine.Start(CounterpartProcess.Run("nc", ["-l", "-N", "127.0.0.1", $"{endPoint.Port}"], "from nc\n"));
        Connection? client = null;
        while (client is null)
        {
            try
            {
                client = await Connection.ConnectAsync(endPoint);
            }
            catch (System.Net.Sockets.SocketException)
            {
                // It has not come so far.
                await NetTest.Polls(10);
            }
        }

        Assert.Equal("from nc", await client.Input.ReadLineAsync());
        Assert.Null(await client.Input.ReadLineAsync());
        await client.WriteAsync("to nc\n"u8.ToArray());
        await client.DisposeAsync();
        Assert.Equal("to nc\n", await nc);
    });
}

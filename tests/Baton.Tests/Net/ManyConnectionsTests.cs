using System.Globalization;

namespace Baton.Tests.Net;

public class ManyConnectionsTests
{
    private const int Wanted = 10_000;

    // What the test runner and the other tests hold meanwhile.
    private const int OtherDescriptors = 1000;

    [Fact]
    public void Ten_thousand_connections_are_open_and_echo_at_once() => NetTest.Run(async () =>
    {
        // Both ends are in this process, so each connection takes two descriptors.
        var count = Math.Min(Wanted, (DescriptorLimit() - OtherDescriptors) / 2);
        Assert.SkipWhen(count < 100, "This process may open too few descriptors.");
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo, new ServerOptions { Backlog = 4096 });
        var clients = new List<Connection>(count);
        for (var i = 0; i < count; i++)
        {
            clients.Add(await Connection.ConnectAsync(server.EndPoints[0]));
        }

        await NetTest.Until(() => server.ConnectionCount == count);
        var echoes = clients.ConvertAll(client => Coroutine.Start(Exchange(client)));
        foreach (var echo in echoes)
        {
            await echo;
        }

        Assert.Equal(count, server.ConnectionCount);
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
    });

    private static async Coroutine Exchange(Connection client)
    {
        var message = new byte[] { 1, 2, 3 };
        await client.WriteAsync(message);
        Assert.Equal(message, await client.Input.ReadExactlyAsync(message.Length));
    }

    private static int DescriptorLimit()
    {
        const string name = "Max open files";
        var line = File.ReadLines("/proc/self/limits").First(line => line.StartsWith(name, StringComparison.Ordinal));
        var soft = line[name.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
        return int.TryParse(soft, CultureInfo.InvariantCulture, out var limit) ? limit : int.MaxValue;
    }
}

using System.Net.Sockets;

namespace Baton.Tests.Net.Counterparts;

/// <summary>socat at the other end of Unix sockets.</summary>
public class SocatTests
{
    // How long socat waits for the other direction once one has ended; its own default is half a second.
    private const string Linger = "60";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Socat_as_the_server_gives_everything_back(bool isAbstract) => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        var (endPoint, name) = NameOf(folder, isAbstract);
        using var socat = CounterpartProcess.Start(
            "socat", "-d", "-d", "-t", Linger, $"{(isAbstract ? "ABSTRACT" : "UNIX")}-LISTEN:{name}", "EXEC:cat");
        await socat.WaitForLine("listening on");
        await using var connection = await Connection.ConnectAsync(endPoint);
        var bytes = NetTest.Pattern(3 << 20);
        var write = Coroutine.Start(Write());
        Assert.Equal(bytes, await connection.Input.ReadExactlyAsync(bytes.Length));
        Assert.Null(await connection.Input.ReadLineAsync());
        await write;
        Assert.Equal(0, await socat.WaitForExit());

        async Coroutine Write()
        {
            await connection.WriteAsync(bytes);
            await connection.CompleteOutputAsync();
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Socat_as_the_client_gets_everything_back(bool isAbstract) => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        var (endPoint, name) = NameOf(folder, isAbstract);
        await using var server = await Server.StartAsync(endPoint, NetTest.Echo);
        var text = string.Join('\n', Enumerable.Range(0, 200_000));
        var output = await CounterpartProcess.Run(
            "socat", ["-t", Linger, "-", $"{(isAbstract ? "ABSTRACT" : "UNIX")}-CONNECT:{name}"], text);
        Assert.Equal(text, output);
        Assert.Equal(1, server.AcceptedCount);
    });

    [Fact]
    public void Fifty_socats_at_once() => NetTest.Run(async () =>
    {
        CounterpartProcess.Require("socat");
        using var folder = new TemporaryFolder();
        var (endPoint, name) = NameOf(folder, isAbstract: false);
        await using var server = await Server.StartAsync(endPoint, NetTest.Echo);
        await TaskGroup.Run(async group =>
        {
            for (var i = 0; i < 50; i++)
            {
                _ = group.CreateTask(Talk($"{i}"));
            }
        });
        Assert.Equal(50, server.AcceptedCount);

        async Coroutine Talk(string text) =>
            Assert.Equal(text, await CounterpartProcess.Run("socat", ["-t", Linger, "-", $"UNIX-CONNECT:{name}"], text));
    });

    [Fact]
    public void A_socat_that_is_killed_is_the_end() => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        var (endPoint, name) = NameOf(folder, isAbstract: false);
        using var socat = CounterpartProcess.Start("socat", "-d", "-d", "-t", Linger, $"UNIX-LISTEN:{name}", "EXEC:cat");
        await socat.WaitForLine("listening on");
        await using var connection = await Connection.ConnectAsync(endPoint);
        await connection.WriteAsync("a line\n"u8.ToArray());
        Assert.Equal("a line", await connection.Input.ReadLineAsync());
        socat.Kill();
        Assert.Null(await connection.Input.ReadLineAsync());
        await Assert.ThrowsAsync<IOException>(async () => await connection.WriteAsync("to nobody"u8.ToArray()));
    });

    private static (UnixDomainSocketEndPoint EndPoint, string Name) NameOf(TemporaryFolder folder, bool isAbstract)
    {
        var name = isAbstract ? $"baton-{Guid.NewGuid():N}" : folder["socket"];
        return (new UnixDomainSocketEndPoint(isAbstract ? '\0' + name : name), name);
    }
}

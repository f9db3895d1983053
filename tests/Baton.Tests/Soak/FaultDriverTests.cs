using System.Net;
using System.Net.Sockets;
using Baton.Soak;
using Baton.Soak.Faults;

namespace Baton.Tests.Soak;

/// <summary>That the driver that injects faults does so, and keeps to the driver contract.</summary>
public class FaultDriverTests
{
    private static readonly FaultPlan Nothing = new() { Name = "nothing" };

    [Fact]
    public void Transfers_in_pieces_change_nothing() => Run(Nothing with { ShortTransfer = 1 }, async (_, client, server) =>
    {
        var bytes = NetTest.Pattern(20_000);
        var write = Coroutine.Start(WriteAsync(client, bytes));
        Assert.Equal(bytes, await server.Input.ReadExactlyAsync(bytes.Length));
        await write;
    });

    [Fact]
    public void Waits_that_were_not_needed_change_nothing() => Run(Nothing with { WouldBlock = 0.9 }, async (_, client, server) =>
    {
        var bytes = NetTest.Pattern(200_000);
        var write = Coroutine.Start(WriteAsync(client, bytes));
        Assert.Equal(bytes, await server.Input.ReadExactlyAsync(bytes.Length));
        await write;
    });

    [Fact]
    public void Late_completions_change_nothing() => Run(Nothing with { Delay = 1 }, async (_, client, server) =>
    {
        var bytes = NetTest.Pattern(2_000_000);
        var write = Coroutine.Start(WriteAsync(client, bytes));
        Assert.Equal(bytes, await server.Input.ReadExactlyAsync(bytes.Length));
        await write;
    });

    [Fact]
    public void A_reset_is_told_to_both_ends() => Run(Nothing with { Reset = 1 }, async (_, client, server) =>
    {
        var read = Coroutine.Start(ReadAsync(server));
        var exception = await Assert.ThrowsAsync<IOException>(async () => await client.WriteAsync(new byte[1]));
        Assert.Equal(SocketError.ConnectionReset, ((SocketException)exception.InnerException!).SocketErrorCode);
        client.Dispose();
        await Assert.ThrowsAsync<IOException>(async () => await read);
    });

    [Fact]
    public void After_a_reset_neither_a_wait_nor_a_send_is_left_waiting() => Run(Nothing, async (plan, client, server) =>
    {
        var read = Coroutine.Start(ReadAsync(client));
        await Coroutine.Yield();
        plan.Change(Nothing with { Reset = 1 });
        await Assert.ThrowsAsync<IOException>(async () => await client.WriteAsync(new byte[1]));

        // The error went to the write; to the read it must not look like an end in good order.
        await Assert.ThrowsAsync<IOException>(async () => await read);
        await Assert.ThrowsAsync<IOException>(async () => await client.Input.ReadAsync());
    });

    [Fact]
    public void Sockets_that_cannot_be_created() => RunLoop(Nothing with { FailedCreate = 1 }, async driver =>
    {
        await Coroutine.Yield();
        var exception = Assert.Throws<SocketException>(() => LoopSocket.Create(AddressFamily.InterNetwork));
        Assert.Equal(SocketError.TooManyOpenSockets, exception.SocketErrorCode);
        Assert.Equal(1, driver.FaultCount);
    });

    [Fact]
    public void Connects_that_fail() => RunLoop(Nothing with { FailedConnect = 1 }, async driver =>
    {
        using var listener = NetTest.Listen();
        await Assert.ThrowsAnyAsync<SocketException>(async () => await Connection.ConnectAsync(listener.LocalEndPoint!));
        Assert.Equal(1, driver.FaultCount);
    });

    [Fact]
    public void Accepts_that_fail() => RunLoop(Nothing with { FailedAccept = 1 }, async driver =>
    {
        using var listener = NetTest.Listen();
        await Assert.ThrowsAsync<SocketException>(async () => await listener.AcceptAsync());
        Assert.Equal(1, driver.FaultCount);
    });

    [Fact]
    public void An_accept_that_is_held_back_when_its_listener_is_closed_leaves_nothing() => RunLoop(Nothing with { Delay = 1 }, async _ =>
    {
        var listener = NetTest.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        var accept = Coroutine.Start(NetTest.AcceptAsync(listener));
        await Coroutine.Yield();
        listener.Dispose();
        await Assert.ThrowsAsync<SocketException>(async () => await accept);
    });

    [Fact]
    public void Datagrams_get_lost() => RunLoop(Nothing with { LostDatagram = 1 }, async driver =>
    {
        using var socket = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await socket.SendToAsync(new byte[1], socket.LocalEndPoint!);
        Assert.Equal(1, driver.FaultCount);
    });

    [Fact]
    public void The_same_seed_brings_the_same_faults()
    {
        var counts = Enumerable.Range(0, 2).Select(_ => CountFaults(1)).ToList();
        Assert.Equal(counts[0], counts[1]);
        Assert.NotEqual(counts[0], CountFaults(2));

        static List<bool> CountFaults(int seed)
        {
            using var driver = new FaultDriver(TestDriver.Create(), Nothing, seed);
            return [.. Enumerable.Range(0, 100).Select(_ => driver.Happens(0.5))];
        }
    }

    [Fact]
    public void A_pattern_tells_what_was_changed_lost_or_doubled()
    {
        var pattern = new Pattern(5);
        var bytes = pattern.Make(3, 1000);
        pattern.Check(bytes, 3);
        pattern.Check(bytes.AsSpan(500), 503);
        Assert.Throws<SoakException>(() => pattern.Check(bytes, 4));
        Assert.Throws<SoakException>(() => new Pattern(6).Check(bytes, 3));
        bytes[700]++;
        Assert.Contains("Byte 703 ", Assert.Throws<SoakException>(() => pattern.Check(bytes, 3)).Message, StringComparison.Ordinal);
    }

    private static async Coroutine WriteAsync(Connection connection, byte[] bytes) => await connection.WriteAsync(bytes);

    private static async Coroutine ReadAsync(Connection connection) => await connection.Input.ReadAsync();

    /// <summary>Runs a test over two connections of which only the client has faults.</summary>
    private static void Run(FaultPlan plan, Func<FaultDriver, Connection, Connection, Coroutine> test) => RunLoop(Nothing, async driver =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        driver.Change(plan);
        await test(driver, client, server);
        Assert.True(driver.FaultCount > 0);
        driver.Change(Nothing);
    });

    private static void RunLoop(FaultPlan plan, Func<FaultDriver, Coroutine> test) => LoopTest.OnThread(() =>
    {
        var driver = new FaultDriver(TestDriver.Create(), plan, seed: 1);
        var reports = new List<LoopExceptionContext>();
        using var loop = new EventLoop(new EventLoopOptions { Driver = driver, ExceptionHandler = (_, report) => reports.Add(report) });
        loop.RunUntilComplete(Call());
        Assert.Equal(0, driver.OpenSocketCount);
        Assert.Equal(0, driver.LentBlockCount);
        Assert.Empty(reports.Select(report => report.ToString()));

        async Coroutine Call() => await test(driver);
    });
}

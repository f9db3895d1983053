using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Net;

public class ThreadedNameResolverTests
{
    [Fact]
    public void Questions_for_one_name_are_one_look_up() => Run(2, async resolver =>
    {
        var asking = new[] { "host", "HOST", "host" }.Select(name => Coroutine.Start(NameResolution.GetHostAddressesAsync(name))).ToList();
        await NetTest.Until(() => resolver.Begun.Length > 0);
        Assert.Equal((1, 0), (resolver.RunningCount, resolver.QueuedCount));
        resolver.Release("host");
        var answers = new List<IPAddress[]>();
        foreach (var task in asking)
        {
            answers.Add(await task);
        }

        Assert.All(answers, answer => Assert.Equal([IPAddress.Loopback], answer));
        Assert.NotSame(answers[0], answers[1]); // An array is its receiver's.
        Assert.Equal(["host"], resolver.Begun);

        // Nothing is remembered: the next one asks again.
        await NameResolution.GetHostAddressesAsync("host");
        Assert.Equal(["host", "host"], resolver.Begun);
    });

    [Fact]
    public void A_family_is_a_question_of_its_own() => Run(2, async resolver =>
    {
        var both = Coroutine.Start(NameResolution.GetHostAddressesAsync("host"));
        var one = Coroutine.Start(NameResolution.GetHostAddressesAsync("host", AddressFamily.InterNetwork));
        await NetTest.Until(() => resolver.Begun.Length == 2);
        resolver.Release("host");
        await both;
        await one;
    });

    [Fact]
    public void A_failure_reaches_everybody_who_waits() => Run(1, async resolver =>
    {
        var asking = Enumerable.Range(0, 3).Select(_ => Coroutine.Start(NameResolution.GetHostAddressesAsync("bad"))).ToList();
        resolver.Release("bad");
        foreach (var task in asking)
        {
            var failure = await Assert.ThrowsAsync<SocketException>(async () => await task);
            Assert.Equal(SocketError.HostNotFound, failure.SocketErrorCode);
            Assert.Contains("'bad'", failure.Message, StringComparison.Ordinal);
        }
    });

    [Fact]
    public void Who_is_cancelled_leaves_at_once_and_the_others_get_the_answer() => Run(1, async resolver =>
    {
        var first = Coroutine.Start(NameResolution.GetHostAddressesAsync("host"));
        var second = Coroutine.Start(NameResolution.GetHostAddressesAsync("host"));
        await NetTest.Until(() => resolver.Begun.Length == 1);
        first.Cancel();
        await NetTest.AssertCancelled(first);
        resolver.Release("host");
        Assert.Equal([IPAddress.Loopback], await second);
    });

    [Fact]
    public void A_look_up_that_nobody_waits_for_keeps_its_thread_and_serves_who_asks_again() => Run(1, async resolver =>
    {
        var first = Coroutine.Start(NameResolution.GetHostAddressesAsync("host"));
        await NetTest.Until(() => resolver.Begun.Length == 1);
        first.Cancel();
        await NetTest.AssertCancelled(first);
        Assert.Equal((1, 0), (resolver.RunningCount, resolver.QueuedCount));

        var again = Coroutine.Start(NameResolution.GetHostAddressesAsync("host"));
        var other = Coroutine.Start(NameResolution.GetHostAddressesAsync("other"));
        resolver.Release("other");
        await NetTest.Iterate();
        Assert.Equal((1, 1), (resolver.RunningCount, resolver.QueuedCount));
        resolver.Release("host");
        await again;
        await other;
        Assert.Equal(["host", "other"], resolver.Begun);
    });

    [Fact]
    public void A_look_up_that_has_not_begun_is_dropped_with_the_last_who_waits() => Run(1, async resolver =>
    {
        var stuck = Coroutine.Start(NameResolution.GetHostAddressesAsync("stuck"));
        await NetTest.Until(() => resolver.Begun.Length == 1);

        // However often somebody tries and gives up, the line does not grow.
        for (var i = 0; i < 100; i++)
        {
            var one = Coroutine.Start(NameResolution.GetHostAddressesAsync("dropped"));
            var two = Coroutine.Start(NameResolution.GetHostAddressesAsync("dropped"));
            await NetTest.Iterate(1);
            Assert.Equal(1, resolver.QueuedCount);
            one.Cancel();
            await NetTest.AssertCancelled(one);
            Assert.Equal(1, resolver.QueuedCount);
            two.Cancel();
            await NetTest.AssertCancelled(two);
            Assert.Equal(0, resolver.QueuedCount);
        }

        var last = Coroutine.Start(NameResolution.GetHostAddressesAsync("last"));
        resolver.Release("last");
        resolver.Release("stuck");
        await stuck;
        await last;
        Assert.Equal(["stuck", "last"], resolver.Begun);
    });

    [Fact]
    public void There_are_no_more_look_ups_at_once_than_threads_and_they_go_first_come_first_served() => Run(2, async resolver =>
    {
        string[] names = ["a", "b", "c", "d", "e"];
        var asking = names.Select(name => Coroutine.Start(NameResolution.GetHostAddressesAsync(name))).ToList();
        await NetTest.Until(() => resolver.Begun.Length == 2);
        Assert.Equal((2, 3), (resolver.RunningCount, resolver.QueuedCount));
        Assert.Contains("2 of 2 look-ups run, 3 wait", resolver.ToString(), StringComparison.Ordinal);
        resolver.Release("b");
        await asking[1];
        await NetTest.Until(() => resolver.Begun.Length == 3);
        Assert.Equal("c", resolver.Begun[2]);
        foreach (var name in names)
        {
            resolver.Release(name);
        }

        foreach (var task in asking)
        {
            await task;
        }

        Assert.Equal(["d", "e"], resolver.Begun[3..].Order());
        await NetTest.Until(() => resolver.RunningCount == 0);
    });

    [Fact]
    public void With_every_thread_stuck_addresses_in_figures_still_connect() => Run(2, async resolver =>
    {
        var stuck = new[] { "a", "b", "c" }.Select(name => Coroutine.Start(NameResolution.GetHostAddressesAsync(name))).ToList();
        await NetTest.Until(() => resolver.Begun.Length == 2);
        await using (var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo))
        {
            await using var connection = await Connection.ConnectAsync("127.0.0.1", ((IPEndPoint)server.EndPoints[0]).Port);
            await connection.WriteAsync("x\n"u8.ToArray());
            Assert.Equal("x", await connection.Input.ReadLineAsync());
        }

        // A name waits, and a limit to that holds.
        await Assert.ThrowsAsync<TimeoutException>(async () =>
            await LoopTimeout.Run(TimeSpan.FromMilliseconds(10), async Coroutine () => await Connection.ConnectAsync("c", 80)));
        foreach (var task in stuck)
        {
            task.Cancel();
            await NetTest.AssertCancelled(task);
        }

        Assert.Equal((2, 0), (resolver.RunningCount, resolver.QueuedCount));
        resolver.Release("a");
        resolver.Release("b");
        await NetTest.Until(() => resolver.RunningCount == 0);
        Assert.Equal(2, resolver.Begun.Length);
    });

    [Fact]
    public void One_resolver_serves_several_loops_and_one_of_them_may_close() => LoopTest.OnThread(() =>
    {
        var resolver = new BlockingResolver(1);
        var options = new EventLoopOptions { NameResolver = resolver, ExceptionHandler = (_, _) => { } };
        using var loop = new EventLoop(options);
        var closing = new EventLoop(options);
        _ = closing.CreateTask(NameResolution.GetHostAddressesAsync("host"));
        _ = closing.CreateTask(NameResolution.GetHostAddressesAsync("unwanted"));
        closing.RunUntilComplete(NetTest.Until(() => resolver.Begun.Length == 1));
        Assert.Equal(1, resolver.QueuedCount);
        loop.RunUntilComplete(Main());

        async Coroutine Main()
        {
            var joined = Coroutine.Start(NameResolution.GetHostAddressesAsync("host"));
            await Coroutine.Yield();
            closing.Dispose();
            resolver.Release("host");
            Assert.Equal([IPAddress.Loopback], await joined);

            // What only the closed loop waited for is not begun.
            await NetTest.Until(() => resolver.RunningCount == 0 && resolver.QueuedCount == 0);
            Assert.Equal(["host"], resolver.Begun);
        }
    });

    [Fact]
    public void An_answer_for_a_loop_that_has_closed_is_dropped() => LoopTest.OnThread(() =>
    {
        var resolver = new BlockingResolver(1);
        var reports = new List<string>();
        var loop = new EventLoop(
            new EventLoopOptions { NameResolver = resolver, ExceptionHandler = (_, report) => reports.Add(report.Message) });
        var task = loop.CreateTask(NameResolution.GetHostAddressesAsync("host"));
        loop.RunUntilComplete(NetTest.Until(() => resolver.Begun.Length == 1));
        loop.Dispose();
        Assert.Contains("had not ended", Assert.Single(reports), StringComparison.Ordinal);
        resolver.Release("host");
        SpinWait.SpinUntil(() => resolver.RunningCount == 0);
        Assert.False(task.IsDone);
        Assert.Single(reports);
    });

    [Fact]
    public void Run_ends_while_a_look_up_is_stuck() => LoopTest.OnThread(() =>
    {
        var resolver = new BlockingResolver(1);
        LoopTask<IPAddress[]>? task = null;
        EventLoop.Run(
            async Coroutine () =>
            {
                task = Coroutine.Start(NameResolution.GetHostAddressesAsync("host"));
                await NetTest.Until(() => resolver.Begun.Length == 1);
            },
            new EventLoopOptions { NameResolver = resolver });
        Assert.True(task!.IsCancelled);
        Assert.Equal(1, resolver.RunningCount);
        resolver.Release("host");
    });

    [Fact]
    public void A_bug_in_a_look_up_of_ones_own_reaches_who_asked() => NetTest.Run(
        options => options.NameResolver = new BrokenResolver(),
        async _ =>
        {
            await Assert.ThrowsAsync<InvalidDataException>(async () => await NameResolution.GetHostAddressesAsync("host"));
            await Assert.ThrowsAsync<InvalidDataException>(async () => await NameResolution.GetHostNameAsync(IPAddress.Loopback));
        });

    [Fact]
    public void There_is_at_least_one_thread() => Assert.Throws<ArgumentOutOfRangeException>(() => new ThreadedNameResolver(0));

    private static void Run(int threads, Func<BlockingResolver, Coroutine> main)
    {
        var resolver = new BlockingResolver(threads);
        NetTest.Run(options => options.NameResolver = resolver, async _ => await main(resolver));
    }

    private sealed class BrokenResolver : ThreadedNameResolver
    {
        protected override IPAddress[] LookUpAddresses(string host, AddressFamily family) => throw new InvalidDataException();

        protected override string LookUpName(IPAddress address) => throw new InvalidDataException();
    }
}

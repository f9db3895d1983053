using System.Net;
using System.Net.Sockets;

namespace Baton.Tests;

/// <summary>
/// Runs a test on a fresh loop over real sockets, on a watched thread of its own, and checks at the end that nothing is left: no task,
/// timer, socket, descriptor or lent block, and no report that the test did not take.
/// </summary>
public sealed class NetTest
{
    private readonly List<LoopExceptionContext> _reports = [];
    private readonly ScriptedCalls? _calls;

    private NetTest(ScriptedCalls? calls, VirtualClock? clock, Action<EventLoopOptions>? configure)
    {
        _calls = calls;
        Driver = calls is null ? TestDriver.Create(clock) : TestDriver.Create(calls);
        var options = new EventLoopOptions
        {
            Driver = Driver,
            Clock = clock,
            ExceptionHandler = (_, report) => _reports.Add(report),
            Name = "test",
        };
        configure?.Invoke(options);
        Loop = new EventLoop(options);
    }

    public EventLoop Loop { get; }

    public IoDriver Driver { get; }

    /// <summary>The system calls of the run, to interfere with.</summary>
    public ScriptedCalls Calls => _calls ?? throw new InvalidOperationException(
        $"The {Driver.Name} driver makes no calls that a test can script: use {nameof(RunOnEpoll)} or {nameof(RunOnEpollInVirtualTime)}.");

    /// <summary>Runs a coroutine as the main task, on the driver that this run of the tests is for.</summary>
    public static void Run(Func<NetTest, Coroutine> main) => LoopTest.OnThread(() => Execute(CallsOfRun(null), null, main));

    /// <inheritdoc cref="Run(Func{NetTest, Coroutine})"/>
    public static void Run(Action<EventLoopOptions> configure, Func<NetTest, Coroutine> main) =>
        LoopTest.OnThread(() => Execute(CallsOfRun(null), null, main, configure));

    /// <inheritdoc cref="Run(Func{NetTest, Coroutine})"/>
    public static void Run(Func<Coroutine> main) => Run(_ => main());

    /// <summary>Runs a coroutine in time that passes only when nothing else happens.</summary>
    public static void RunInVirtualTime(Func<NetTest, Coroutine> main, Action<EventLoopOptions>? configure = null)
    {
        var clock = new VirtualClock();
        LoopTest.OnThread(() => Execute(CallsOfRun(clock), clock, main, configure));
    }

    /// <summary>
    /// Runs a coroutine as the main task on epoll, whichever driver this run of the tests is for: for tests that script system calls.
    /// </summary>
    public static void RunOnEpoll(Func<NetTest, Coroutine> main, Action<EventLoopOptions>? configure = null) =>
        LoopTest.OnThread(() => Execute(new ScriptedCalls(), null, main, configure));

    /// <summary>Runs a coroutine as the main task on io_uring, whichever driver this run of the tests is for.</summary>
    public static void RunOnIoUring(Func<NetTest, Coroutine> main, Action<EventLoopOptions>? configure = null) =>
        LoopTest.OnThread(() => Execute(new ScriptedCalls { IsForRings = true }, null, main, configure));

    /// <inheritdoc cref="RunOnEpoll"/>
    /// <remarks>In time that passes only when nothing else happens.</remarks>
    public static void RunOnEpollInVirtualTime(Func<NetTest, Coroutine> main, Action<EventLoopOptions>? configure = null)
    {
        var clock = new VirtualClock();
        LoopTest.OnThread(() => Execute(new ScriptedCalls { Clock = clock }, clock, main, configure));
    }

    /// <summary>What was reported to the exception handler so far; the test expects it.</summary>
    public List<LoopExceptionContext> TakeReports()
    {
        var reports = _reports.ToList();
        _reports.Clear();
        return reports;
    }

    /// <summary>
    /// Whether the driver knows of everything that has happened on its sockets. That of epoll knows after each poll; of the portable one
    /// only the threads of the BCL do.
    /// </summary>
    public static bool IsQuiet => EventLoop.Current.Driver is not PortableTestDriver portable || portable.IsQuiet;

    /// <summary>Two connected sockets, the one that connected first.</summary>
    public static async Coroutine<(LoopSocket Client, LoopSocket Server)> ConnectSockets(AddressFamily family = AddressFamily.InterNetwork)
    {
        using var listener = Listen(family);
        var accept = Coroutine.Start(AcceptAsync(listener));
        var client = LoopSocket.Create(family);
        await client.ConnectAsync(listener.LocalEndPoint!);
        return (client, await accept);
    }

    /// <summary>Two connected connections, the one that connected first.</summary>
    public static async Coroutine<(Connection Client, Connection Server)> Connect(AddressFamily family = AddressFamily.InterNetwork)
    {
        var (client, server) = await ConnectSockets(family);
        return (new Connection(client), new Connection(server));
    }

    public static LoopSocket Listen(AddressFamily family = AddressFamily.InterNetwork)
    {
        var listener = LoopSocket.Create(family);
        listener.Bind(new IPEndPoint(family == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 0));
        listener.Listen();
        return listener;
    }

    public static async Coroutine<LoopSocket> AcceptAsync(LoopSocket listener) => await listener.AcceptAsync();

    /// <summary>Lets a number of iterations go by.</summary>
    public static async Coroutine Iterate(int count = 5)
    {
        for (var i = 0; i < count; i++)
        {
            await Coroutine.Yield();
        }
    }

    /// <summary>Waits until the loop has polled so many times more.</summary>
    public static async Coroutine Polls(int count)
    {
        var driver = EventLoop.Current.Driver;
        var end = driver.PollCount + count;
        await Until(() => driver.PollCount >= end);
    }

    /// <summary>Lets iterations go by, each with a poll, until something holds.</summary>
    public static async Coroutine Until(Func<bool> condition)
    {
        while (!condition())
        {
            // Longer than the loop may leave a poll out.
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(0.1));
        }
    }

    /// <summary>Receives until so many bytes are there.</summary>
    public static async Coroutine<byte[]> ReceiveAll(LoopSocket socket, int count)
    {
        var bytes = new byte[count];
        var received = 0;
        while (received < count)
        {
            var more = await socket.ReceiveAsync(bytes.AsMemory(received));
            Assert.NotEqual(0, more);
            received += more;
        }

        return bytes;
    }

    /// <summary>Sends until the system has no room, cancels the send that waits, and returns how many bytes were taken.</summary>
    public static async Coroutine<int> Fill(LoopSocket socket)
    {
        var sent = 0;
        var last = -1;
        var send = Coroutine.Start(SendForever());
        await Until(() =>
        {
            var isStill = sent == last;
            last = sent;
            return isStill;
        });
        send.Cancel();
        await AssertCancelled(send);
        return sent;

        async Coroutine SendForever()
        {
            var chunk = new byte[64 * 1024];
            while (true)
            {
                sent += await socket.SendAsync(chunk);
            }
        }
    }

    /// <summary>Waits for a task that was cancelled, and checks that it ended so.</summary>
    public static async Coroutine AssertCancelled(LoopTask task)
    {
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await task);
        Assert.True(task.IsCancelled);
    }

    /// <summary>A handler that sends back what it receives.</summary>
    public static async Coroutine Echo(Connection connection)
    {
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            if (read.Buffer.IsEmpty && read.IsCompleted)
            {
                return;
            }

            foreach (var segment in read.Buffer)
            {
                await connection.Output.WriteAsync(segment);
            }

            connection.Input.AdvanceTo(read.Buffer.End);
        }
    }

    public static byte[] Pattern(int length)
    {
        var bytes = new byte[length];
        for (var i = 0; i < length; i++)
        {
            bytes[i] = (byte)((i * 7) + (i >> 8) + (i >> 16));
        }

        return bytes;
    }

    private static ScriptedCalls? CallsOfRun(VirtualClock? clock) =>
        TestDriver.Name is "epoll" or "iouring" ? new ScriptedCalls { Clock = clock, IsForRings = TestDriver.Name == "iouring" } : null;

    private static void Execute(
        ScriptedCalls? calls, VirtualClock? clock, Func<NetTest, Coroutine> main, Action<EventLoopOptions>? configure = null)
    {
        var test = new NetTest(calls, clock, configure);
        try
        {
            test.Loop.RunUntilComplete(main(test));
            Assert.Empty(test.Loop.AllTasks());
            Assert.Equal(0, test.Loop.TimerCount);
            Assert.Equal(0, test.Driver.OpenSocketCount);
            Assert.Equal(0, test.Driver.Blocks.LentCount);
        }
        finally
        {
            test.Loop.Dispose();
        }

        Assert.Equal(0, test.Driver.Blocks.KeptCount);
        Assert.Empty(test._reports.Select(report => report.ToString()));

        if (test.Driver is PortableTestDriver portable)
        {
            // Every wait that it gave to the BCL has come back, if only to tell that its socket was closed.
            Assert.True(
                SpinWait.SpinUntil(() => portable.PendingWaits == 0, TimeSpan.FromSeconds(20)),
                $"{portable.PendingWaits} waits never ended.");
        }
        else
        {
            // All that is left is the event descriptor of the wake-up, which a handle closes and not the driver's calls.
            Assert.Equal(0, calls!.OpenDescriptors);
        }
    }
}

using System.Net;
using System.Runtime.CompilerServices;
using Baton.Tests.Conformance;

namespace Baton.Tests.Diagnostics;

/// <summary>Resources and loops that nobody closed.</summary>
public class UnclosedTests
{
    private const string Here = "Baton.Tests.Diagnostics.UnclosedTests";

    [Fact]
    public void A_resource_that_is_open_when_it_is_collected_is_reported() => LoopTest.OnInDebug(test =>
    {
        Open(test.Loop, isOpen: true);
        Open(test.Loop, isOpen: false);
        Collect(test);
        var warning = test.TakeWarning();
        Assert.Equal(LoopWarningKind.UnclosedResource, warning.Kind);
        Assert.Equal(
            "Unclosed: the valve. Nobody had closed it when it was collected. Dispose of it, with 'await using' or 'using'.",
            warning.Message);
        Assert.IsType<Valve>(warning.Source);
        Assert.Equal($"{Here}.Open", warning.SourceTraceback!.Innermost!.Value.Method);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Open(EventLoop loop, bool isOpen) => UnclosedTests.Open(loop, isOpen);
    });

    [Fact]
    public void A_resource_that_is_open_when_the_loop_closes_is_reported_once() => LoopTest.OnInDebug(test =>
    {
        var open = Open(test.Loop, isOpen: true);
        var closed = Open(test.Loop, isOpen: false);
        var untracked = Open(test.Loop, isOpen: true);
        test.Loop.UntrackResource(untracked);
        test.Loop.UntrackResource(untracked);
        test.Loop.UntrackResource(new object());
        test.Loop.Dispose();
        Assert.Same(open, test.TakeWarning().Source);
        GC.KeepAlive((open, closed, untracked));
    });

    [Fact]
    public void Outside_of_debug_mode_nothing_is_tracked_and_what_was_before_still_is() => LoopTest.OnInDebug(test =>
    {
        var before = Open(test.Loop, isOpen: true);
        var closed = Open(test.Loop, isOpen: true);
        test.Loop.IsDebug = false;
        var after = Open(test.Loop, isOpen: true);
        test.Loop.UntrackResource(closed);
        test.Loop.Dispose();
        Assert.Same(before, test.TakeWarning().Source);
        GC.KeepAlive((before, closed, after));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_loop_is_closed_resource_warnings", Improvement = "The loop warns of what is open as it closes, not when that is collected.")]
    public void Sockets_connections_and_servers_that_are_left_open_are_reported() => OnNetwork(
        async _ =>
        {
            var server = await Server.StartAsync(
                new IPEndPoint(IPAddress.Loopback, 0), static async connection => await NetTest.Echo(connection));
            var client = await Connection.ConnectAsync(server.EndPoints[0]);
            var socket = LoopSocket.Create(System.Net.Sockets.AddressFamily.InterNetwork);
            await client.WriteAsync(new byte[1]);
            var read = await client.Input.ReadAsync();
            Assert.Equal(1, read.Buffer.Length);
            client.Input.AdvanceTo(read.Buffer.End);
            return [server, client, socket];
        },
        (left, warnings) =>
        {
            // The server's own connection is the fourth.
            Assert.Equal(4, warnings.Count);
            Assert.All(warnings, warning => Assert.Equal(LoopWarningKind.UnclosedResource, warning.Kind));
            Assert.All(left, resource => Assert.Contains(warnings, warning => ReferenceEquals(warning.Source, resource)));
            Assert.Contains(
                warnings, warning => warning.Message.StartsWith("Unclosed: The server at 127.0.0.1:", StringComparison.Ordinal));
            Assert.Contains(warnings, warning => warning.Message.StartsWith("Unclosed: connection 127.0.0.1:", StringComparison.Ordinal));
            Assert.Contains(warnings, warning => warning.Message.StartsWith("Unclosed: socket ", StringComparison.Ordinal));
        });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Those_that_were_closed_are_not_reported(bool abort) => OnNetwork(
        async _ =>
        {
            var server = await Server.StartAsync(
                new IPEndPoint(IPAddress.Loopback, 0), static async connection => await NetTest.Echo(connection));
            var client = await Connection.ConnectAsync(server.EndPoints[0]);
            var (first, second) = await NetTest.ConnectSockets();
            var connection = new Connection(first);
            if (abort)
            {
                client.Abort();
                second.Abort();
                first.Dispose(); // The socket is the connection's, which is therefore closed as well.
            }
            else
            {
                await client.CloseAsync();
                second.Dispose();
                await connection.CloseAsync();
            }

            await server.ShutdownAsync(TimeSpan.FromSeconds(5));
            return [];
        },
        (_, warnings) => Assert.Empty(warnings.Select(warning => warning.ToString())));

    [Fact]
    [CPython("test_streams.StreamTests.test_unclosed_resource_warnings")]
    public void A_connection_that_is_collected_is_reported() => OnNetwork(
        async warnings =>
        {
            var (first, second) = await NetTest.ConnectSockets();
            Forget(first);
            second.Dispose();
            first = null!;
            for (var i = 0; i < 20 && warnings.Count == 0; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                await NetTest.Iterate(2);
            }

            return [];

            [MethodImpl(MethodImplOptions.NoInlining)]
            static void Forget(LoopSocket socket) => _ = new Connection(socket);
        },
        (_, warnings) => Assert.Contains("when it was collected", Assert.Single(warnings).Message, StringComparison.Ordinal));

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_loop_that_is_collected_is_reported(bool debug)
    {
        var warnings = new List<LoopWarning>();
        LoopTest.OnThread(() => Forget(warnings, debug));
        for (var i = 0; i < 20; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            lock (warnings)
            {
                if (warnings.Count > 0)
                {
                    break;
                }
            }
        }

        var warning = Assert.Single(warnings);
        Assert.Equal(LoopWarningKind.UnclosedLoop, warning.Kind);
        Assert.StartsWith("Unclosed event loop 'forgotten': ", warning.Message, StringComparison.Ordinal);
        Assert.Contains("1 task on it had not ended, and never will", warning.Message, StringComparison.Ordinal);
        Assert.Equal(debug, warning.SourceTraceback is not null);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(List<LoopWarning> warnings, bool debug)
        {
            var loop = new EventLoop(new EventLoopOptions
            {
                Driver = new VirtualDriver(),
                Name = "forgotten",
                Debug = debug,
                WarningHandler = (_, warning) =>
                {
                    lock (warnings)
                    {
                        warnings.Add(warning);
                    }
                },
            });
            loop.CreateTask(Coroutine.Sleep(TimeSpan.FromHours(1)));
            loop.Stop();
            loop.RunForever();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Valve Open(EventLoop loop, bool isOpen)
    {
        var valve = new Valve(isOpen);
        loop.TrackResource(valve, static valve => ((Valve)valve).IsOpen);
        return valve;
    }

    private static void Collect(LoopTest test)
    {
        for (var i = 0; i < 10; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            test.RunIterations(1);
        }
    }

    /// <summary>Runs something on a loop with sockets, in debug mode, and looks at the warnings once that is closed.</summary>
    private static void OnNetwork(Func<List<LoopWarning>, Coroutine<object[]>> main, Action<object[], List<LoopWarning>> check) =>
        LoopTest.OnThread(() =>
        {
            var warnings = new List<LoopWarning>();
            object[] left = [];
            var loop = new EventLoop(new EventLoopOptions
            {
                Driver = TestDriver.Create(),
                Debug = true,
                BlockingWaits = BlockingWaits.Ignore, // Waiting for the collector blocks.
                SlowCallbackDuration = TimeSpan.FromHours(1), // The machine may be busy.
                ExceptionHandler = static (_, _) => { },
                WarningHandler = (_, warning) => warnings.Add(warning),
            });
            using (loop)
            {
                left = loop.RunUntilComplete(main(warnings));
            }

            check(left, warnings);
        });

    private sealed class Valve(bool isOpen)
    {
        internal bool IsOpen { get; } = isOpen;

        public override string ToString() => "the valve";
    }
}

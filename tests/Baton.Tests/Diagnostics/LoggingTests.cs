using System.Net;
using System.Net.Sockets;
using Baton.Tests.Conformance;
using Microsoft.Extensions.Logging;

namespace Baton.Tests.Diagnostics;

/// <summary>What a loop logs.</summary>
public class LoggingTests
{
    [Fact]
    public void The_life_of_a_loop_is_logged_for_debugging() => On(new LogRecorder(), (log, test) =>
    {
        test.Loop.Stop();
        test.Loop.RunForever();
        test.Loop.IsDebug = true;
        test.Loop.Dispose();
        Assert.Equal(
            [
                "Debug 10: [test] The event loop uses the driver virtual.",
                "Debug 11: [test] The event loop runs.",
                "Debug 12: [test] The event loop has stopped.",
                "Debug 14: [test] Debug mode is on.",
                "Debug 14: [test] Debug mode is off.",
                "Debug 13: [test] The event loop is closed.",
            ],
            log.Lines);
        Assert.Equal(["Baton.EventLoop"], log.Categories);
        Assert.Same(log, test.Loop.LoggerFactory);
    });

    [Fact]
    public void A_failure_is_an_error_where_there_is_no_handler() => On(new LogRecorder(LogLevel.Information), (log, test) =>
    {
        test.Loop.ExceptionHandler = null;
        test.Loop.CallSoon(static () => throw new IOException("thrown"));
        test.RunIterations(1);
        var entry = Assert.Single(log.Entries);
        Assert.Equal((LogLevel.Error, 1), (entry.Level, entry.Id));
        Assert.StartsWith("[test] Exception in callback ", entry.Text, StringComparison.Ordinal);
        Assert.Equal("thrown", entry.Exception!.Message);
    });

    [Fact]
    public void A_failure_that_a_handler_takes_is_not_logged() => On(new LogRecorder(LogLevel.Information), (log, test) =>
    {
        test.Loop.CallSoon(static () => throw new IOException("thrown"));
        test.RunIterations(1);
        Assert.Equal("thrown", test.TakeReport().Exception!.Message);
        Assert.Empty(log.Entries);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_set_exc_handler_broken")]
    public void A_handler_that_fails_is_logged_with_the_failure_that_it_was_told() =>
        On(new LogRecorder(LogLevel.Information), (log, test) =>
        {
            test.Loop.ExceptionHandler = static (_, _) => throw new IOException("broken handler");
            test.Loop.CallSoon(static () => throw new IOException("thrown"));
            test.RunIterations(1);
            Assert.Equal(["broken handler", "thrown"], log.Entries.Select(entry => entry.Exception!.Message));
            Assert.Equal("[test] Unhandled error in exception handler", log.Entries[0].Text);
        });

    [Fact]
    public void Warnings_have_numbers_of_their_own_and_go_to_a_handler_instead_where_there_is_one() =>
        On(new LogRecorder(LogLevel.Information), (log, test) =>
        {
            test.Loop.IsDebug = true;
            test.Loop.WarningHandler = null;
            var kept = new object();
            test.Loop.TrackResource(kept, static _ => true);
            test.Loop.CallSoon(() => test.Clock.Advance(TimeSpan.FromSeconds(1)));
            test.Loop.CallSoon(static () => _ = Coroutine.Sleep(TimeSpan.Zero));
            test.Loop.CallSoon(() =>
            {
                using var gate = new ManualResetEvent(false);
                using var thread = LoopTest.StartThread(() => gate.Set());
                gate.WaitOne();
                thread.Join();
            });
            test.RunIterations(1);
            test.Loop.Dispose();
            GC.KeepAlive(kept);
            Assert.All(log.Entries, entry => Assert.Equal(LogLevel.Warning, entry.Level));
            Assert.Equal([2, 3, 4, 5], log.Entries.Select(entry => entry.Id).Distinct());
        });

    [Fact]
    public void Sockets_that_are_left_open_are_counted_outside_of_debug_mode_too() => LoopTest.OnThread(() =>
    {
        var log = new LogRecorder(LogLevel.Information);
        using (var loop = new EventLoop(new EventLoopOptions { Driver = TestDriver.Create(), LoggerFactory = log, Debug = false, Name = "net" }))
        {
            loop.RunUntilComplete(Open());
        }

        Assert.Equal(
            "Warning 7: [net] The event loop was closed with 2 sockets open. Debug mode (BATON_DEBUG=1) tells where they were made.",
            Assert.Single(log.Lines));

        static async Coroutine Open()
        {
            LoopSocket.Create(AddressFamily.InterNetwork);
            LoopSocket.Create(AddressFamily.InterNetwork);
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void A_connection_that_cannot_be_accepted_is_a_warning() => LoopTest.OnThread(() =>
    {
        var log = new LogRecorder(LogLevel.Information);
        var calls = new ScriptedCalls();
        using var loop = new EventLoop(
            new EventLoopOptions { Driver = TestDriver.Create(calls), LoggerFactory = log, Debug = false, Name = "net" });
        loop.RunUntilComplete(Serve(calls));
        var entry = Assert.Single(log.Entries);
        Assert.Equal((LogLevel.Warning, 30), (entry.Level, entry.Id));
        Assert.StartsWith("[net] The server at 127.0.0.1:", entry.Text, StringComparison.Ordinal);
        Assert.IsType<SocketException>(entry.Exception);

        static async Coroutine Serve(ScriptedCalls calls)
        {
            const int ConnectionAborted = 103;
            var fails = 1;
            calls.OnAccept = _ => fails-- > 0 ? -ConnectionAborted : null;
            await using var server = await Server.StartAsync(
                new IPEndPoint(IPAddress.Loopback, 0), static async connection => await NetTest.Echo(connection));
            using var client = await Connection.ConnectAsync(server.EndPoints[0]);
            await client.WriteAsync(new byte[1]);
            var read = await client.Input.ReadAsync();
            client.Input.AdvanceTo(read.Buffer.End);
        }
    });

    [Fact]
    public void Without_a_logger_nothing_is_logged() =>
        LoopTest.On(test => Assert.False(test.Loop.LoggerFactory.CreateLogger("any").IsEnabled(LogLevel.Critical)));

    [Fact]
    public void The_numbers_do_not_change() => Assert.Equal(
        ["Failure 1", "SlowCallback 2", "BlockingWait 3", "NeverAwaited 4", "UnclosedResource 5", "UnclosedLoop 6", "SocketsLeftOpen 7", "LostWrites 8",
            "LostExitStatus 9", "DriverChosen 10", "Started 11", "Stopped 12", "Closed 13", "DebugMode 14", "DriverFellBack 15", "SignalReceived 20", "AcceptFailed 30",
            "SocketFileLeft 31",
            "HandshakeFailed 36", "TransportFailed 37", "LookUp 40", "SlowLookUp 41", "ThreadPinned 50", "ThreadNotPinned 51"],
        typeof(EventLoop).Assembly.GetType("Baton.LoopLog")!
            .GetMethods(System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic)
            .Select(method => (method.Name, Attribute: (LoggerMessageAttribute?)Attribute.GetCustomAttribute(method, typeof(LoggerMessageAttribute))))
            .Where(method => method.Attribute is not null)
            .OrderBy(method => method.Attribute!.EventId)
            .Select(method => $"{method.Name} {method.Attribute!.EventId}"));

    private static void On(LogRecorder log, Action<LogRecorder, LoopTest> body) => LoopTest.On(
        options =>
        {
            options.LoggerFactory = log;
            options.Debug = false;
        },
        test => body(log, test));
}

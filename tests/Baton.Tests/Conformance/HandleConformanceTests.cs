using System.Runtime.CompilerServices;

namespace Baton.Tests.Conformance;

/// <summary>What asyncio's tests of <c>Handle</c> and <c>TimerHandle</c> pin down and our other tests do not.</summary>
public class HandleConformanceTests
{
    private const string Here = "Baton.Tests.Conformance.HandleConformanceTests";

    [Fact]
    [CPython("test_events.HandleTests.test_handle_weakref", Improvement = "A handle holds on to nothing in the first place: it may be kept as it is.")]
    [CPython("test_events.TimerTests.test_timer")]
    public void A_handle_that_is_kept_keeps_neither_callback_nor_state_once_they_ran_or_were_cancelled() => LoopTest.On(test =>
    {
        var (handles, timers, references) = Make(test.Loop);
        Assert.All(handles, handle => Assert.True(handle.IsPending));
        Assert.All(timers, timer => Assert.True(timer.IsPending));
        handles[1].Cancel();
        handles[3].Cancel();
        timers[1].Cancel();
        Assert.Equal([true, false, true, false], handles.Select(handle => handle.IsPending));
        Assert.Equal([true, false], timers.Select(timer => timer.IsPending));
        test.RunIterations(2);
        Assert.All(handles, handle => Assert.False(handle.IsPending));
        Assert.All(timers, timer => Assert.False(timer.IsPending));
        for (var i = 0; i < 5; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.All(references, reference => Assert.False(reference.TryGetTarget(out _)));
        GC.KeepAlive((handles, timers));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static (List<Handle> Handles, List<TimerHandle> Timers, List<WeakReference<object>> References) Make(EventLoop loop)
        {
            var references = new List<WeakReference<object>>();
            return (
                [
                    loop.CallSoon(Ignore, State()), loop.CallSoon(Ignore, State()),
                    loop.CallSoonThreadSafe(Ignore, State()), loop.CallSoonThreadSafe(Ignore, State()),
                ],
                [loop.CallLater(TimeSpan.Zero, Ignore, State()), loop.CallLater(TimeSpan.FromHours(1), Ignore, State())],
                references);

            object State()
            {
                var state = new object();
                references.Add(new WeakReference<object>(state));
                return state;
            }
        }
    });

    [Fact]
    [CPython("test_events.HandleTests.test_handle_repr")]
    public void As_text_a_handle_names_its_callback_until_it_ran_or_was_cancelled() => LoopTest.On(
        options => options.Debug = false,
        test =>
        {
            var handle = test.Loop.CallSoon(Nothing);
            var withState = test.Loop.CallSoon(Ignore, "secret");
            var lambda = test.Loop.CallSoon(() => { });
            var posted = test.Loop.CallSoonThreadSafe(Nothing);
            Assert.Equal($"Callback {Here}.Nothing (pending)", handle.ToString());
            Assert.Equal($"Callback {Here}.Ignore (pending)", withState.ToString());
            Assert.Equal(
                $"Callback {Here}.{nameof(As_text_a_handle_names_its_callback_until_it_ran_or_was_cancelled)}.lambda (pending)",
                lambda.ToString());
            Assert.Equal($"Callback {Here}.Nothing (pending)", posted.ToString());
            handle.Cancel();
            posted.Cancel();
            Assert.Equal("Callback (over)", handle.ToString());
            Assert.Equal("Callback (over)", posted.ToString());
            test.RunIterations(1);
            var other = test.Loop.CallSoon(Nothing); // With the pooled object of the first.
            Assert.Equal("Callback (over)", handle.ToString());
            Assert.Equal("Callback (over)", withState.ToString());
            Assert.Equal($"Callback {Here}.Nothing (pending)", other.ToString());
            Assert.Equal("Callback (none)", default(Handle).ToString());
            test.RunIterations(1);
        });

    [Fact]
    [CPython("test_events.HandleTests.test_handle_repr_debug")]
    public void In_debug_mode_a_handle_tells_what_it_passes_and_where_it_was_made_to_the_end() => LoopTest.OnInDebug(test =>
    {
        var handle = test.Loop.CallSoon(Ignore, 12); // soon
        var made = $"created at {Here}.{nameof(In_debug_mode_a_handle_tells_what_it_passes_and_where_it_was_made_to_the_end)}.lambda, " +
            $"HandleConformanceTests.cs:{LineOf("// soon")}";
        Assert.Equal($"Callback {Here}.Ignore with 12 (pending, {made})", handle.ToString());
        handle.Cancel();
        Assert.Equal($"Callback {Here}.Ignore with 12 (cancelled, {made})", handle.ToString());
        handle.Cancel();
        Assert.Equal($"Callback {Here}.Ignore with 12 (cancelled, {made})", handle.ToString());
        var plain = test.Loop.CallSoon(Nothing);
        Assert.StartsWith($"Callback {Here}.Nothing (pending, created at ", plain.ToString(), StringComparison.Ordinal);
        test.RunIterations(1);
        Assert.StartsWith($"Callback {Here}.Nothing (over, created at ", plain.ToString(), StringComparison.Ordinal);
        var posted = test.Loop.CallSoonThreadSafe(Ignore, 12);
        Assert.StartsWith($"Callback {Here}.Ignore with 12 (pending, created at ", posted.ToString(), StringComparison.Ordinal);
        test.RunIterations(1);
        Assert.StartsWith("Callback (over, created at ", posted.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    [CPython("test_events.HandleTests.test_handle_source_traceback")]
    public void In_debug_mode_every_kind_of_handle_knows_the_line_that_made_it() => LoopTest.OnInDebug(test =>
    {
        test.Loop.CallSoon(Fail); // made soon
        test.Loop.CallSoonThreadSafe(Fail); // made from anywhere
        test.Loop.CallLater(TimeSpan.Zero, Fail); // made for later
        test.Loop.CallAt(test.Loop.Time, Fail); // made for a time
        test.RunIterations(1);
        var sites = test.TakeReports().Select(report => report.HandleTraceback!.Innermost!.Value).ToList();
        Assert.All(
            sites,
            site => Assert.Equal($"{Here}.{nameof(In_debug_mode_every_kind_of_handle_knows_the_line_that_made_it)}.lambda", site.Method));
        Assert.All(sites, site => Assert.Equal("HandleConformanceTests.cs", Path.GetFileName(site.File)));
        Assert.Equal(
            [LineOf("// made soon"), LineOf("// made from anywhere"), LineOf("// made for later"), LineOf("// made for a time")],
            sites.Select(site => site.Line));
    });

    [Fact]
    [CPython("test_events.TimerTests.test_timer_repr")]
    public void As_text_a_timer_tells_its_deadline_too() => LoopTest.On(
        options => options.Debug = false,
        test =>
        {
            var timer = test.Loop.CallAt(2_000_000_123, Nothing);
            Assert.Equal($"Timer {Here}.Nothing (pending, due at 2000000123 ns)", timer.ToString());
            timer.Cancel();
            Assert.Equal("Timer (over, due at 2000000123 ns)", timer.ToString());
        });

    [Fact]
    [CPython("test_events.TimerTests.test_timer_repr_debug")]
    public void In_debug_mode_a_timer_tells_where_it_was_made_too() => LoopTest.OnInDebug(test =>
    {
        var timer = test.Loop.CallAt(2_000_000_123, Nothing); // timer
        var made = $"created at {Here}.{nameof(In_debug_mode_a_timer_tells_where_it_was_made_too)}.lambda, HandleConformanceTests.cs:{LineOf("// timer")}";
        Assert.Equal($"Timer {Here}.Nothing (pending, due at 2000000123 ns, {made})", timer.ToString());
        timer.Cancel();
        Assert.Equal($"Timer {Here}.Nothing (cancelled, due at 2000000123 ns, {made})", timer.ToString());
    });

    [Fact]
    public void What_a_timer_of_debug_mode_knew_is_not_told_of_a_later_callback() => LoopTest.OnInDebug(test =>
    {
        test.Loop.CallLater(TimeSpan.FromSeconds(1), Nothing).Cancel();
        test.Loop.IsDebug = false;
        var handle = test.Loop.CallSoon(Fail);
        Assert.Equal($"Callback {Here}.Fail (pending)", handle.ToString());
        test.RunIterations(1);
        Assert.Null(test.TakeReport().HandleTraceback);
        Assert.Equal("Callback (over)", handle.ToString());
    });

    [Fact]
    [CPython("test_events.TimerTests.test_hash")]
    [CPython("test_events.TimerTests.test_timer_comparison",
        Improvement = "Equal is only what names the same timer, whatever becomes of it; deadlines are numbers, and compare as such.")]
    public void Timers_are_equal_when_they_are_the_same_and_compare_by_their_deadlines() => LoopTest.On(test =>
    {
        var when = test.Loop.Time + 1;
        var first = test.Loop.CallAt(when, Nothing);
        var second = test.Loop.CallAt(when, Nothing);
        var later = test.Loop.CallAt(when + 10, Nothing);
        var copy = first;
        Assert.True(first == copy && first.Equals(copy) && first.Equals((object)copy) && !(first != copy));
        Assert.Equal(first.GetHashCode(), copy.GetHashCode());
        Assert.True(first != second && !first.Equals(second) && !first.Equals((object)second));
        Assert.False(first.Equals(test.Loop.CallSoon(Nothing)));
        Assert.False(first.Equals(null));
        Assert.Equal(when, first.When);
        Assert.Equal(first.When, second.When);
        Assert.True(first.When < later.When);

        // Cancelled, it still is the one that it was.
        second.Cancel();
        Assert.True(first == copy && second != first);
        Assert.True(second.Equals(second));
        first.Cancel();
        later.Cancel();
        test.RunIterations(1);
    });

    private static void Nothing()
    {
    }

    private static void Ignore(object? state)
    {
    }

    private static void Fail() => throw new IOException();

    private static int LineOf(string comment, [CallerFilePath] string path = "") =>
        Array.FindIndex(File.ReadAllLines(path), line => line.EndsWith("; " + comment, StringComparison.Ordinal)) + 1;
}

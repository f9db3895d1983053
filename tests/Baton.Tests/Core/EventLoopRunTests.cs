using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

/// <summary><see cref="EventLoop.Run(Func{Coroutine}, EventLoopOptions?)"/>: results, errors and the order in which it closes.</summary>
public class EventLoopRunTests
{
    private readonly List<string> _log = [];
    private readonly List<LoopExceptionContext> _reports = [];

    [Fact]
    [CPython("test_runners.RunTests.test_asyncio_run_return")]
    [CPython("test_runners.RunTests.test_asyncio_run_set_event_loop",
        Improvement = "A loop is current on its thread while it runs there, and only then; nobody has to set it.")]
    public void Returns_the_result_and_closes_the_loop() => OnThread(() =>
    {
        EventLoop? loop = null;
        var result = EventLoop.Run(Main, Options());
        Assert.Equal(42, result);
        Assert.True(loop!.IsClosed);
        Assert.Null(EventLoop.CurrentOrNull);

        async Coroutine<int> Main()
        {
            loop = EventLoop.Current;
            await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            return 42;
        }
    });

    [Fact]
    public void Calls_main_on_the_loop_and_inside_the_main_task() => OnThread(() =>
    {
        EventLoop.Run(Main, Options());

        static Coroutine Main()
        {
            Assert.NotNull(EventLoop.CurrentOrNull);
            Assert.Equal("main", LoopTask.Current!.Name);
            return default;
        }
    });

    [Fact]
    [CPython("test_runners.RunTests.test_asyncio_run_raises")]
    public void Delivers_the_exception_of_main_with_its_stack() => OnThread(() =>
    {
        var exception = Assert.Throws<IOException>(() => EventLoop.Run(Fail, Options()));
        Assert.Equal("no", exception.Message);
        Assert.Contains(nameof(Fail), exception.StackTrace, StringComparison.Ordinal);

        static async Coroutine Fail()
        {
            await Coroutine.Yield();
            throw new IOException("no");
        }
    });

    [Fact]
    public void Delivers_the_exception_of_the_function_that_makes_main() => OnThread(() =>
    {
        Assert.Throws<IOException>(() => EventLoop.Run(() => throw new IOException(), Options()));
        Assert.Throws<IOException>(() => EventLoop.Run<int>(() => throw new IOException(), Options()));
        Assert.Throws<ArgumentNullException>(() => EventLoop.Run(null!, Options()));
    });

    [Fact]
    public void Throws_when_main_cancelled_itself() => OnThread(() =>
    {
        var exception = Assert.Throws<CancelledException>(() => EventLoop.Run(Main, Options()));
        Assert.Equal("enough", exception.Message);

        static async Coroutine Main()
        {
            LoopTask.Current!.Cancel("enough");
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void Cancels_the_tasks_that_are_left_and_awaits_them() => OnThread(() =>
    {
        EventLoop.Run(Main, Options());
        Assert.Equal(["main ends", "cancelled 1", "cancelled 2", "cleaned 1", "cleaned 2"], _log);

        async Coroutine Main()
        {
            _ = Coroutine.Start(Child(1));
            _ = Coroutine.Start(Child(2));
            await Coroutine.Yield();
            _log.Add("main ends");
        }

        async Coroutine Child(int number)
        {
            try
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            catch (CancelledException)
            {
                _log.Add($"cancelled {number}");
                for (var i = 0; i < 10; i++)
                {
                    await Coroutine.Sleep(TimeSpan.FromSeconds(1));
                }

                _log.Add($"cleaned {number}");
                throw;
            }
        }
    });

    [Fact]
    public void Cancels_also_the_tasks_that_clean_up_makes() => OnThread(() =>
    {
        EventLoop.Run(Main, Options());
        Assert.Equal(["first", "second", "third"], _log);

        async Coroutine Main()
        {
            _ = Coroutine.Start(
                Child("first", () => _ = Coroutine.Start(Child("second", () => _ = Coroutine.Start(Child("third", () => { }))))));
            await Coroutine.Yield();
        }

        async Coroutine Child(string name, Action next)
        {
            try
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                _log.Add(name);
                next();
                await Coroutine.Yield();
            }
        }
    });

    [Fact]
    public void Cancels_what_is_left_when_main_fails_too() => OnThread(() =>
    {
        Assert.Throws<IOException>(() => EventLoop.Run(Main, Options()));
        Assert.Equal(["cancelled"], _log);

        async Coroutine Main()
        {
            _ = Coroutine.Start(Child());
            await Coroutine.Yield();
            throw new IOException();
        }

        async Coroutine Child()
        {
            try
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                _log.Add("cancelled");
            }
        }
    });

    [Fact]
    public void A_task_made_in_the_last_step_of_main_still_gets_its_first_step() => OnThread(() =>
    {
        // As in asyncio: it was queued before the news that main has ended.
        EventLoop.Run(Main, Options());
        Assert.Equal(["ran"], _log);

#pragma warning disable CS1998
        async Coroutine Main() => _ = Coroutine.Start(Child());

        async Coroutine Child() => _log.Add("ran");
#pragma warning restore CS1998
    });

    [Fact]
    [CPython("test_runners.RunTests.test_asyncio_run_reports_hanging_tasks_errors")]
    public void Reports_the_tasks_that_fail_while_the_loop_closes() => OnThread(() =>
    {
        LoopTask? left = null;
        Assert.Equal(123, EventLoop.Run(Main, Options()));
        Assert.True(left!.IsFailed);
        var report = Assert.Single(_reports);
        Assert.Contains("closing", report.Message, StringComparison.Ordinal);
        Assert.Contains("'bad'", report.Message, StringComparison.Ordinal);
        Assert.IsType<IOException>(report.Exception);
        Assert.Same(left, report.Future);
        Assert.Same(left, report.Task);
        _reports.Clear();

        async Coroutine<int> Main()
        {
            left = Coroutine.Start(Child(), "bad");
            await Coroutine.Yield();
            return 123;
        }

        static async Coroutine Child()
        {
            try
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            catch (CancelledException)
            {
                throw new IOException();
            }
        }
    });

    [Fact]
    public void Reports_failures_that_nobody_retrieved_when_the_loop_closes() => OnThread(() =>
    {
        EventLoop.Run(Main, Options());
        var report = Assert.Single(_reports);
        Assert.Contains("never retrieved", report.Message, StringComparison.Ordinal);
        Assert.Contains("'lost'", report.Message, StringComparison.Ordinal);
        Assert.Equal("lost", report.Exception!.Message);
        _reports.Clear();

        static async Coroutine Main()
        {
            _ = Coroutine.Start(Coroutine.FromException(new IOException("lost")), "lost");
            await Coroutine.Yield();
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void A_task_that_ends_with_a_result_while_the_loop_closes_is_not_reported() => OnThread(() =>
    {
        EventLoop.Run(Main, Options());

        static async Coroutine Main()
        {
            _ = Coroutine.Start(Child());
            await Coroutine.Yield();
        }

        static async Coroutine<int> Child()
        {
            try
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            catch (CancelledException)
            {
            }

            return 1;
        }
    });

    [Fact]
    public void Main_may_await_tasks_that_the_end_of_main_does_not_concern() => OnThread(() =>
    {
        EventLoop.Run(Main, Options());
        Assert.Equal(["child", "main"], _log);

        async Coroutine Main()
        {
            var child = Coroutine.Start(Child());
            await child;
            _log.Add("main");
        }

        async Coroutine Child()
        {
            await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            _log.Add("child");
        }
    });

    [Fact]
    public void Stopping_the_loop_under_main_throws_and_still_cleans_up() => OnThread(() =>
    {
        var exception = Assert.Throws<InvalidOperationException>(() => EventLoop.Run(Main, Options()));
        Assert.Contains("stopped before", exception.Message, StringComparison.Ordinal);
        Assert.Equal(["cancelled"], _log);

        async Coroutine Main()
        {
            try
            {
                EventLoop.Current.Stop();
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                _log.Add("cancelled");
            }
        }
    });

    [Fact]
    public void Timers_and_callbacks_that_are_left_are_dropped() => OnThread(() =>
    {
        EventLoop.Run(Main, Options());
        Assert.Empty(_log);

#pragma warning disable CS1998
        async Coroutine Main()
#pragma warning restore CS1998
        {
            EventLoop.Current.CallLater(TimeSpan.FromSeconds(1), () => _log.Add("timer"));
        }
    });

    [Fact]
    public void The_context_of_the_caller_flows_into_main_and_not_back() => OnThread(() =>
    {
        var local = new AsyncLocal<int> { Value = 1 };
        EventLoop.Run(Main, Options());
        Assert.Equal(1, local.Value);

        async Coroutine Main()
        {
            Assert.Equal(1, local.Value);
            local.Value = 2;
            await Coroutine.Yield();
            Assert.Equal(2, local.Value);
        }
    });

    [Fact]
    public void Two_threads_run_a_loop_each()
    {
        using var bothInside = new Barrier(2);
        using var one = LoopTest.StartThread(Body);
        using var two = LoopTest.StartThread(Body);

        void Body() => EventLoop.Run(
            async () =>
            {
                var loop = EventLoop.Current;
                Assert.True(bothInside.SignalAndWait(TimeSpan.FromSeconds(30)));
                await Coroutine.Sleep(TimeSpan.FromSeconds(1));
                Assert.Same(loop, EventLoop.Current);
            },
            new EventLoopOptions { Driver = new VirtualDriver() });
    }

    private EventLoopOptions Options() =>
        new() { Driver = new VirtualDriver(), ExceptionHandler = (_, report) => _reports.Add(report), HandleSignals = false };

    private void OnThread(Action body)
    {
        LoopTest.OnThread(body);
        Assert.Empty(_reports);
    }
}

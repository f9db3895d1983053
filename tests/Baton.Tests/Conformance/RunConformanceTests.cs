using System.Runtime.CompilerServices;

namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>
/// What asyncio's tests of <c>asyncio.run</c> and <c>asyncio.Runner</c> pin down and ours of
/// <see cref="EventLoop.Run(Func{Coroutine}, EventLoopOptions?)"/> do not.
/// </summary>
public class RunConformanceTests
{
    private readonly List<LoopExceptionContext> _reports = [];

    [Fact]
    [CPython("test_runners.RunTests.test_asyncio_run_cancels_hanging_tasks")]
    public void A_task_that_is_left_has_ended_when_the_result_comes() => OnThread(() =>
    {
        LoopTask? left = null;
        Assert.Equal(123, EventLoop.Run(Main, Options()));
        Assert.True(left!.IsDone);
        Assert.True(left.IsCancelled);

        async Coroutine<int> Main()
        {
            left = Coroutine.Start(Coroutine.Sleep(TimeSpan.FromSeconds(0.1)));
            return 123;
        }
    });

    [Fact]
    [CPython("test_runners.RunTests.test_asyncio_run_closes_gens_after_hanging_tasks_errors")]
    public void The_iterator_of_a_task_that_fails_while_the_loop_closes_is_disposed_of() => OnThread(() =>
    {
        LoopTask? left = null;
        var isDisposed = false;
        Assert.Throws<NotSupportedException>(() => EventLoop.Run(Main, Options()));
        Assert.True(left!.IsFailed);
        Assert.True(isDisposed);
        var report = Assert.Single(_reports);
        Assert.Same(left, report.Task);
        Assert.IsType<DivideByZeroException>(report.Exception);
        _reports.Clear();

        async Coroutine Main()
        {
            left = Coroutine.Start(Enumerate());
            throw new NotSupportedException("main ends like this");
        }

        async Coroutine Enumerate()
        {
            try
            {
                await foreach (var value in Values())
                {
                    Assert.Equal(1, value);
                }
            }
            catch (CancelledException)
            {
                Assert.True(isDisposed);
                throw new DivideByZeroException();
            }
        }

        async IAsyncEnumerable<int> Values()
        {
            try
            {
                while (true)
                {
                    yield return 1;
                    await Coroutine.Sleep(TimeSpan.FromSeconds(1));
                }
            }
            finally
            {
                isDisposed = true;
            }
        }
    });

    [Fact]
    [CPython("test_runners.RunTests.test_asyncio_run_loop_factory")]
    [CPython("test_runners.RunnerTests.test_custom_factory")]
    public void The_options_say_how_the_loop_of_the_main_task_is_made() => OnThread(() =>
    {
        var driver = new VirtualDriver();
        var clock = new VirtualClock(77);
        EventLoop.Run(Main, new EventLoopOptions { Driver = driver, Clock = clock, Name = "mine", HandleSignals = false });
        Assert.True(driver.IsDisposed);

        async Coroutine Main()
        {
            Assert.Same(driver, EventLoop.Current.Driver);
            Assert.Same(clock, EventLoop.Current.Clock);
            Assert.Equal("mine", EventLoop.Current.Name);
        }
    });

    [Fact]
    [CPython("test_runners.RunnerTests.test_run")]
    public void A_loop_runs_coroutines_until_it_is_disposed_of() => OnThread(() =>
    {
        EventLoop loop;
        using (loop = new EventLoop(Options()))
        {
            Assert.Equal("done", loop.RunUntilComplete(Done()));
            Assert.Equal("done", loop.RunUntilComplete(Done()));
            Assert.False(loop.IsClosed);
        }

        Assert.True(loop.IsClosed);
        Assert.Contains("closed", Assert.Throws<InvalidOperationException>(loop.RunForever).Message, StringComparison.Ordinal);

        static async Coroutine<string> Done()
        {
            await Coroutine.Yield();
            return "done";
        }
    });

    [Fact]
    [CPython("test_runners.RunnerTests.test_second_with_block_raises")]
    public void A_loop_that_was_disposed_of_runs_nothing_any_more() => OnThread(() =>
    {
        var ran = new List<int>();
        var loop = new EventLoop(Options());
        using (loop)
        {
            loop.RunUntilComplete(Run(1));
        }

        Assert.Contains(
            "closed", Assert.Throws<InvalidOperationException>(() => loop.RunUntilComplete(Run(2))).Message, StringComparison.Ordinal);
        Assert.Equal([1], ran);

        async Coroutine Run(int number) => ran.Add(number);
    });

    [Fact]
    [CPython("test_runners.RunnerTests.test_run_awaitable")]
    [CPython("test_pep492.CoroutineTests.test_iscoroutine",
        Improvement = "What can be awaited is told by its shape when it is compiled, and a class of one's own will do; nobody has to ask.")]
    public void The_main_coroutine_can_be_one_that_awaits_anything_awaitable() => OnThread(() =>
    {
        Assert.Equal("done", EventLoop.Run(async Coroutine<string> () => await new Trip(), Options()));
        using var loop = new EventLoop(Options());
        Assert.Equal("done", loop.RunUntilComplete(Wrap()));

        static async Coroutine<string> Wrap() => await new Trip();
    });

    [Fact]
    [CPython("test_runners.RunnerTests.test_run_keeps_context",
        Improvement = "What a coroutine sets ends with it, as everywhere in C#; what is set outside of the runs, each of them sees.")]
    public void A_run_sees_what_was_set_outside_and_leaves_nothing_behind() => OnThread(() =>
    {
        var local = new AsyncLocal<int> { Value = -1 };
        using var loop = new EventLoop(Options());
        Assert.Equal(-1, loop.RunUntilComplete(Set(1)));
        Assert.Equal(-1, loop.RunUntilComplete(Set(2)));
        Assert.Equal(-1, local.Value);
        local.Value = 3;
        Assert.Equal(3, loop.RunUntilComplete(Set(4)));

        async Coroutine<int> Set(int value)
        {
            var before = local.Value;
            await Coroutine.Yield();
            local.Value = value;
            return before;
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_runners.RunnerTests.test_no_repr_is_call_on_the_task_result")]
    public void Nobody_asks_the_result_for_its_text(bool debug) => OnThread(() =>
    {
        var options = Options();
        options.Debug = debug;
        Assert.Equal(0, EventLoop.Run(Main, options).Asked);

        static async Coroutine<Reticent> Main()
        {
            await Coroutine.Yield();
            return new Reticent();
        }
    });

    private EventLoopOptions Options() =>
        new() { Driver = new VirtualDriver(), ExceptionHandler = (_, report) => _reports.Add(report), HandleSignals = false };

    private void OnThread(Action body)
    {
        LoopTest.OnThread(body);
        Assert.Empty(_reports);
    }

    private sealed class Reticent
    {
        public int Asked { get; private set; }

        public override string ToString()
        {
            Asked++;
            return "nothing";
        }
    }

    /// <summary>Somebody's awaitable that takes a trip through the loop.</summary>
    private sealed class Trip : INotifyCompletion
    {
        private bool _isOver;

        public bool IsCompleted => _isOver;

        public Trip GetAwaiter() => this;

        public string GetResult() => _isOver ? "done" : throw new InvalidOperationException();

        public void OnCompleted(Action continuation) => EventLoop.Current.CallSoon(() =>
        {
            _isOver = true;
            continuation();
        });
    }
}

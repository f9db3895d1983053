using System.Runtime.CompilerServices;
using Baton.Tests.Conformance;

namespace Baton.Tests.Interop;

/// <summary>Functions that a loop has called on other threads: results, exceptions, contexts, and executors that misbehave.</summary>
public class RunInExecutorTests
{
    private static readonly AsyncLocal<string?> Local = new();

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_run_in_executor")]
    public void The_result_comes_back_to_the_loop() => LoopTest.Run(async test =>
    {
        using var executor = new ThreadPoolExecutor();
        Assert.Equal(42, await test.Loop.RunInExecutor(() => Check(42), executor));
        await test.Loop.RunInExecutor(() => { Check(0); }, executor);
        Assert.True(test.Loop.IsOnLoopThread);

        int Check(int result)
        {
            Assert.False(test.Loop.IsOnLoopThread);
            Assert.Null(EventLoop.CurrentOrNull);
            Assert.Null(SynchronizationContext.Current);
            return result;
        }
    });

    [Fact]
    public void The_function_starts_without_being_awaited() => LoopTest.Run(async test =>
    {
        using var executor = new ThreadPoolExecutor();
        using var started = new ManualResetEvent(false);
        var future = test.Loop.RunInExecutor(() => { started.Set(); }, executor);
        LoopTest.Await(started); // the loop has not had a turn since
        Assert.False(future.IsDone);
        await future;
    });

    [Fact]
    public void The_exception_comes_back_with_its_stack() => LoopTest.Run(async test =>
    {
        using var executor = new ThreadPoolExecutor();
        var exception = await Assert.ThrowsAsync<IOException>(async () => await test.Loop.RunInExecutor(Fail, executor));
        Assert.Contains(nameof(Fail), exception.StackTrace, StringComparison.Ordinal);
        exception = await Assert.ThrowsAsync<IOException>(async () => await test.Loop.RunInExecutor(() => { Fail(); }, executor));
        Assert.Contains(nameof(Fail), exception.StackTrace, StringComparison.Ordinal);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static int Fail() => throw new IOException("on the other thread");
    });

    [Fact]
    public void A_failure_that_nobody_looks_at_is_reported_when_the_loop_closes() => LoopTest.On(test =>
    {
        var executor = new ManualExecutor();
        var future = test.Loop.RunInExecutor(() => throw new IOException("unseen"), executor);
        executor.RunNext();
        test.RunIterations(2);
        Assert.True(future.IsFailed);
        test.Loop.Dispose();
        Assert.Equal("unseen", test.TakeReport().Exception!.Message);
    });

    [Fact]
    public void The_execution_context_flows_in_but_not_out() => LoopTest.Run(async test =>
    {
        using var executor = new DedicatedThreadExecutor();
        Local.Value = "caller";
        var seen = await test.Loop.RunInExecutor(
            () =>
            {
                var value = Local.Value;
                Local.Value = "function";
                return value;
            },
            executor);
        Assert.Equal("caller", seen);
        Assert.Equal("caller", Local.Value);
        Local.Value = null;
        Assert.Null(await test.Loop.RunInExecutor(() => Local.Value, executor));
    });

    [Fact]
    public void A_suppressed_flow_does_not_flow() => LoopTest.Run(async test =>
    {
        using var executor = new DedicatedThreadExecutor();
        Local.Value = "caller";
        Future<string?> future;
        using (ExecutionContext.SuppressFlow())
        {
            future = test.Loop.RunInExecutor<string?>(() => Local.Value, executor);
        }

        Assert.Null(await future);
    });

    [Fact]
    public void An_executor_that_refuses_throws_to_the_caller_and_the_function_never_runs() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor { Refusal = new IOException("full") };
        Assert.Equal("full", Assert.Throws<IOException>(() => { test.Loop.RunInExecutor(() => 1, executor); }).Message);

        var cheat = new QueueAndThrow();
        Assert.Throws<IOException>(() => { test.Loop.RunInExecutor(() => Assert.Fail("It ran."), cheat); });
        LoopTest.StartThread(cheat.Work!).Join();
        await LoopTest.Settle();
    });

    [Fact]
    public void A_function_runs_once_even_if_the_executor_calls_it_twice() => LoopTest.Run(async test =>
    {
        var runs = 0;
        Assert.Equal(1, await test.Loop.RunInExecutor(() => ++runs, new CallTwice()));
        await LoopTest.Settle();
        Assert.Equal(1, runs);
    });

    [Fact]
    public void An_executor_may_run_the_function_right_there() => LoopTest.Run(async test =>
    {
        var future = test.Loop.RunInExecutor(() => test.Loop.IsOnLoopThread, new InlineExecutor());
        Assert.False(future.IsDone); // as ever, nothing is delivered inline
        Assert.True(await future);
        await Assert.ThrowsAsync<IOException>(
            async () => await test.Loop.RunInExecutor(() => throw new IOException(), new InlineExecutor()));
    });

    [Fact]
    [CPython("test_pep492.CoroutineTests.test_iscoroutinefunction",
        Improvement = "What a function returns tells whether it is asynchronous; nobody has to ask but an executor, which refuses it.")]
    [CPython("test_pep492.CoroutineTests.test_iscoroutine_generator",
        Improvement = "What a function returns tells whether it is asynchronous; an iterator is not, and an executor takes it.")]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_call_coroutine",
        Improvement = "The compiler refuses a coroutine function where a callback belongs; an executor refuses it by itself.")]
    public void An_asynchronous_function_is_refused() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        Refused(() => test.Loop.RunInExecutor(async () => await Task.Yield(), executor));
        Refused(() => test.Loop.RunInExecutor(async Task<int> (CancellationToken _) => await Task.FromResult(1), executor));
        Refused(() => test.Loop.RunInExecutor(async ValueTask () => await Task.Yield(), executor));
        Refused(() => test.Loop.RunInExecutor(async ValueTask<int> () => await Task.FromResult(1), executor));
        Refused(() => test.Loop.RunInExecutor(() => default(Coroutine), executor));
        Refused(() => test.Loop.RunInExecutor(() => Coroutine.FromResult(1), executor));
        Assert.Equal(0, executor.Count);
        Assert.Equal(new DateTime(1), await test.Loop.RunInExecutor(() => new DateTime(1), new InlineExecutor()));
        Assert.Equal([1, 2], await test.Loop.RunInExecutor(Iterator, new InlineExecutor()));

        static void Refused(Func<object> call) =>
            Assert.Contains("asynchronous", Assert.Throws<ArgumentException>(() => { call(); }).Message, StringComparison.Ordinal);

        static IEnumerable<int> Iterator()
        {
            yield return 1;
            yield return 2;
        }
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_close")]
    public void It_is_for_the_loop_thread_and_an_open_loop() => LoopTest.On(test =>
    {
        var executor = new ManualExecutor();
        LoopTest.StartThread(() => Assert.Contains(
            "belongs to thread",
            Assert.Throws<InvalidOperationException>(() => { test.Loop.RunInExecutor(() => 1, executor); }).Message,
            StringComparison.Ordinal)).Join();
        Assert.Throws<ArgumentNullException>(() => { test.Loop.RunInExecutor((Func<int>)null!, executor); });
        Assert.Throws<ArgumentNullException>(() => { test.Loop.RunInExecutor((Action)null!, executor); });
        Assert.Throws<ArgumentNullException>(() => { test.Loop.RunInExecutor((Func<CancellationToken, int>)null!, executor); });
        Assert.Throws<ArgumentNullException>(() => { test.Loop.RunInExecutor((Action<CancellationToken>)null!, executor); });
        test.Loop.Dispose();
        Assert.Contains(
            "closed",
            Assert.Throws<InvalidOperationException>(() => { test.Loop.RunInExecutor(() => 1, executor); }).Message,
            StringComparison.Ordinal);
        Assert.Equal(0, executor.Count);
    });

    [Fact]
    public void A_function_that_ends_after_the_loop_closed_does_no_harm() => LoopTest.On(test =>
    {
        var executor = new ManualExecutor();
        var future = test.Loop.RunInExecutor(() => 1, executor);
        test.Loop.RunInExecutor(() => throw new IOException("late"), executor);
        test.Loop.Dispose();
        executor.RunNext();
        executor.RunNext();
        Assert.False(future.IsDone);

        // Nobody can wait for it, so it goes where failures go that reach nobody.
        var report = test.TakeReport();
        Assert.Equal("late", report.Exception!.Message);
        Assert.Contains("closed", report.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_failure_that_arrives_while_the_loop_closes_is_reported() => LoopTest.On(test =>
    {
        var executor = new ManualExecutor();
        var succeeding = test.Loop.RunInExecutor(() => 1, executor);
        var failing = test.Loop.RunInExecutor(() => throw new IOException("undelivered"), executor);
        executor.RunNext();
        executor.RunNext();
        test.Loop.Dispose();
        Assert.True(succeeding.IsDone);
        Assert.True(failing.IsDone);
        Assert.Equal("undelivered", test.TakeReport().Exception!.Message);
    });

    [Fact]
    public void Many_calls_of_many_loops_share_an_executor() => LoopTest.OnThread(() =>
    {
        using var executor = new ThreadPoolExecutor(3);
        var threads = Enumerable.Range(0, 3).Select(_ => LoopTest.StartThread(() => LoopTest.Run(async test =>
        {
            for (var round = 0; round < 50; round++)
            {
                var futures = Enumerable.Range(0, 20).Select(i => test.Loop.RunInExecutor(() => i, executor)).ToList();
                for (var i = 0; i < futures.Count; i += 3)
                {
                    futures[i].Cancel(); // at whatever stage it is
                }

                for (var i = 0; i < futures.Count; i++)
                {
                    try
                    {
                        Assert.Equal(i, await futures[i]);
                    }
                    catch (CancelledException)
                    {
                        Assert.Equal(0, i % 3);
                    }
                }
            }
        }))).ToList();
        threads.ForEach(thread => thread.Join());
        Assert.True(executor.ThreadCount <= 3);
    });

    private sealed class QueueAndThrow : IExecutor
    {
        public Action? Work { get; private set; }

        public void Execute(Action<object?> work, object? state)
        {
            Work = () => work(state);
            throw new IOException("taken, and refused");
        }
    }

    private sealed class CallTwice : IExecutor
    {
        public void Execute(Action<object?> work, object? state)
        {
            work(state);
            work(state);
        }
    }
}

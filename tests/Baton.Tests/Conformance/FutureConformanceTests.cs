using System.Runtime.CompilerServices;

namespace Baton.Tests.Conformance;

/// <summary>CPython's <c>BaseFutureTests</c>, as far as the tests of <see cref="Future"/> do not ask the same.</summary>
public class FutureConformanceTests
{
    [Fact]
    [CPython("test_futures.BaseFutureTests.test_isfuture")]
    [CPython("test_tasks.GenericTaskTests.test_future_subclass")]
    public void What_is_a_future_its_type_tells_and_tasks_are_some() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromResult(1));
        object[] futures =
        [
            test.Loop.CreateFuture(),
            test.Loop.CreateFuture<int>(),
            new OwnFuture(test.Loop),
            LoopTask.Current!,
            task,
            Coroutine.Gather(new[] { task }),
            Coroutine.Shield(task),
        ];
        object[] others = [1, typeof(Future), default(Coroutine), default(Coroutine<int>), Task.CompletedTask];
        Assert.All(futures, future => Assert.IsAssignableFrom<Future>(future));
        Assert.All(others, other => Assert.IsNotAssignableFrom<Future>(other));
        Assert.True(typeof(LoopTask).IsSubclassOf(typeof(Future)));
        Assert.Equal(1, await task);
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_constructor_without_loop")]
    public void Without_a_loop_there_is_no_future() => LoopTest.OnThread(() =>
    {
        var exception = Assert.Throws<InvalidOperationException>(() => EventLoop.Current.CreateFuture());
        Assert.Contains("No event loop runs on this thread", exception.Message, StringComparison.Ordinal);
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_constructor_use_running_loop")]
    public void A_future_that_a_coroutine_makes_belongs_to_the_loop_that_runs_it() => LoopTest.On(test =>
    {
        Assert.Same(test.Loop, test.Loop.RunUntilComplete(Make()).Loop);

        static async Coroutine<Future<int>> Make()
        {
            await Coroutine.Yield();
            return EventLoop.Current.CreateFuture<int>();
        }
    });

    [Fact]
    [CPython(
        "test_futures.BaseFutureInheritanceTests.test_inherit_without_calling_super_init",
        Improvement =
            "The constructor of `Future` cannot be left out and refuses a missing loop, so that a future without one never comes to be.")]
    public void A_future_of_a_kind_of_its_own_is_made_with_its_loop() => LoopTest.On(test =>
    {
        Assert.Throws<ArgumentNullException>(() => new OwnFuture(null!));
        Assert.Same(test.Loop, new OwnFuture(test.Loop).Loop);
    });

    [Fact]
    [CPython("test_tasks.CTask_Future_Tests.test_foobar")]
    public void A_task_awaits_a_future_of_a_kind_that_hides_its_loop() => LoopTest.On(test =>
    {
        var future = new HidingFuture(test.Loop);
        Assert.Throws<NotSupportedException>(() => future.Loop);
        test.Loop.CallLater(TimeSpan.FromMilliseconds(100), () => future.SetResult(1));
        Assert.Equal("got 1", test.Loop.RunUntilComplete(Await(future)));

        static async Coroutine<string> Await(HidingFuture future) => $"got {await future}";
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_future_cancel_message_getter")]
    public void The_message_of_a_cancellation_reaches_whoever_awaits_or_looks() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture<int>();
        Assert.True(future.Cancel("enough"));
        Assert.Equal("enough", Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(future)).Message);
        Assert.Equal("enough", Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(Await(future))).Message);
        Assert.Equal("enough", Assert.Throws<CancelledException>(() => future.GetResult()).Message);

        var silent = test.Loop.CreateFuture<int>();
        Assert.True(silent.Cancel());
        Assert.Equal(new CancelledException().Message, Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(silent)).Message);
    });

    [Fact]
    [CPython(
        "test_futures.BaseFutureTests.test_future_cancel_message_setter",
        Improvement = "The message is that of the call that cancelled, for good: nobody can exchange it afterwards.")]
    public void The_message_of_a_cancellation_does_not_change() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture<int>();
        Assert.True(future.Cancel("first"));
        Assert.False(future.Cancel("second"));
        Assert.Equal("first", Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(future)).Message);
        Assert.Equal("first", Assert.Throws<CancelledException>(() => future.GetException()).Message);
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_yield_from_twice")]
    public void Of_two_awaits_of_a_future_the_second_does_not_wait() => LoopTest.On(test =>
    {
        var log = new List<string>();
        var future = test.Loop.CreateFuture<int>();
        var task = test.Loop.CreateTask(Twice());
        test.RunIterations(1);
        Assert.Equal(["before"], log);
        test.RunIterations(1);
        Assert.Equal(["before"], log);
        future.SetResult(42);
        test.RunIterations(1);
        Assert.Equal(["before", "first 42", "second 42"], log);
        Assert.True(task.IsDone);

        async Coroutine Twice()
        {
            log.Add("before");
            log.Add($"first {await future}");
            log.Add($"second {await future}");
        }
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_iter")]
    public void To_use_a_future_without_waiting_for_it_is_an_error() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<(int, int)>();
        var awaiter = future.GetAwaiter();
        Assert.False(awaiter.IsCompleted);
        Assert.Contains("no result yet", Assert.Throws<InvalidStateException>(() => awaiter.GetResult()).Message, StringComparison.Ordinal);
        future.Cancel();
        await Coroutine.Yield();
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_future_stop_iteration_args")]
    public void A_result_of_several_values_arrives_whole() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<(int, int)>();
        future.SetResult((1, 2));
        var awaiter = future.GetAwaiter();
        Assert.True(awaiter.IsCompleted);
        Assert.Equal((1, 2), awaiter.GetResult());
        Assert.Equal((1, 2), await future);
        await Coroutine.Yield();
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_future_del_collect")]
    public void Results_whose_finalizers_run_the_collector_do_no_harm() => LoopTest.On(test =>
    {
        var finalized = new StrongBox<int>();
        for (var i = 0; i < 100; i++)
        {
            Forget(test.Loop, finalized);
        }

        for (var i = 0; i < 10 && Volatile.Read(ref finalized.Value) < 100; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal(100, finalized.Value);
        test.RunIterations(2);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(EventLoop loop, StrongBox<int> finalized) =>
            loop.CreateFuture<Collecting>().SetResult(new Collecting(finalized));
    });

    [Theory]
    [CPython("test_futures.BaseFutureTests.test_future_cancelled_result_refcycles")]
    [CPython("test_futures.BaseFutureTests.test_future_cancelled_exception_refcycles")]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public void Neither_a_cancelled_future_nor_task_keeps_what_it_threw(bool isTask, bool lookAtException) => LoopTest.On(test =>
    {
        var future = isTask ? test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromHours(1))) : test.Loop.CreateFuture();
        test.RunIterations(1);
        future.Cancel("enough");
        test.RunIterations(2);
        Assert.True(future.IsCancelled);
        var thrown = Look(future, lookAtException);

        // The runtime remembers the last exception of a thread.
        Assert.Throws<IOException>(void () => throw new IOException());
        GC.Collect();
        Assert.False(thrown.IsAlive);
        Assert.Equal("enough", Assert.Throws<CancelledException>(future.GetResult).Message);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Look(Future future, bool lookAtException)
        {
            try
            {
                if (lookAtException)
                {
                    future.GetException();
                }
                else
                {
                    future.GetResult();
                }
            }
            catch (CancelledException exception)
            {
                return new WeakReference(exception);
            }

            throw new InvalidOperationException("It did not throw.");
        }
    });

    private static async Coroutine<T> Await<T>(Future<T> future) => await future;

    private class OwnFuture(EventLoop loop) : Future<int>(loop);

    private sealed class HidingFuture(EventLoop loop) : OwnFuture(loop)
    {
        public new EventLoop Loop => throw new NotSupportedException();
    }

    private sealed class Collecting(StrongBox<int> finalized)
    {
        ~Collecting()
        {
            GC.Collect(0);
            Interlocked.Increment(ref finalized.Value);
        }
    }
}

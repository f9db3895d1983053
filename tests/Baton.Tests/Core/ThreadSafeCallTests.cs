using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

/// <summary>Calls into a loop from other threads.</summary>
public class ThreadSafeCallTests
{
    [Fact]
    public void A_call_that_may_fail_says_whether_the_loop_is_closed() => LoopTest.On(test =>
    {
        var log = new List<object?>();
        LoopTest.StartThread(() => Assert.True(test.Loop.TryCallSoonThreadSafe(log.Add, "posted"))).Join();
        Assert.True(test.Loop.TryCallSoonThreadSafe(log.Add, "own"));
        Assert.Throws<ArgumentNullException>(() => test.Loop.TryCallSoonThreadSafe(null!, null));
        test.RunIterations(1);
        Assert.Equal(["posted", "own"], log);
        test.Loop.Dispose();
        Assert.False(test.Loop.TryCallSoonThreadSafe(log.Add, "closed"));
        LoopTest.StartThread(() => Assert.False(test.Loop.TryCallSoonThreadSafe(log.Add, "closed"))).Join();
        Assert.Equal(2, log.Count);
    });

    private const int Threads = 4;
    private const int CallsOfEach = 20_000;

    [Fact]
    public void Every_call_arrives_once_and_those_of_a_thread_in_their_order() => LoopTest.On(test =>
    {
        var next = new int[Threads];
        var arrived = 0;
        using var start = new Barrier(Threads);
        var threads = Enumerable.Range(0, Threads).Select(thread => LoopTest.StartThread(() =>
        {
            start.SignalAndWait();
            for (var i = 0; i < CallsOfEach; i++)
            {
                test.Loop.CallSoonThreadSafe(state => Arrive(thread, (int)state!), i);
            }
        })).ToList();
        test.Loop.RunForever();
        threads.ForEach(thread => thread.Join());
        Assert.All(next, count => Assert.Equal(CallsOfEach, count));

        void Arrive(int thread, int number)
        {
            Assert.True(test.Loop.IsOnLoopThread);
            Assert.Equal(next[thread]++, number);
            if (++arrived == Threads * CallsOfEach)
            {
                test.Loop.Stop();
            }
        }
    });

    [Fact]
    public void A_busy_loop_is_not_woken() => LoopTest.On(test =>
    {
        var ran = 0;
        test.Loop.CallSoon(() =>
        {
            using var thread = LoopTest.StartThread(() =>
            {
                for (var i = 0; i < 1000; i++)
                {
                    test.Loop.CallSoonThreadSafe(() => ran++);
                }
            });
        });
        test.RunIterations(2);
        Assert.Equal(1000, ran);
        Assert.Equal(0, test.Driver.Wakes);
    });

    [Fact]
    public void A_sleeping_loop_is_woken_once_for_each_time_that_it_went_to_sleep() => LoopTest.On(test =>
    {
        var ran = 0;
        using var asleep = new SemaphoreSlim(0);
        test.Driver.Waiting = () => asleep.Release();
        using var thread = LoopTest.StartThread(() =>
        {
            for (var round = 0; round < 500; round++)
            {
                Assert.True(asleep.Wait(TimeSpan.FromSeconds(30)));
                for (var i = 0; i < 10; i++)
                {
                    test.Loop.CallSoonThreadSafe(() => ran++);
                }
            }

            test.Loop.CallSoonThreadSafe(test.Loop.Stop);
        });
        test.Loop.RunForever();
        thread.Join();
        Assert.Equal(5000, ran);

        // For each poll at most one: a poll that was about to sleep may see the item that woke it, and not sleep after all.
        Assert.InRange(test.Driver.Wakes, 1, test.Driver.Polls);
    });

    [Fact]
    public void Ping_pong_between_two_loops_never_misses_a_wake_up() => LoopTest.On(test =>
    {
        const int Rounds = 3000;
        EventLoop? other = null;
        using var ready = new ManualResetEvent(false);
        using var thread = LoopTest.StartThread(() =>
        {
            using var loop = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver() });
            other = loop;
            ready.Set();
            loop.RunForever();
        });
        LoopTest.Await(ready);
        var rounds = 0;
        test.Loop.CallSoon(Ping);
        test.Loop.RunForever();
        Assert.Equal(Rounds, rounds);

        void Ping()
        {
            if (rounds++ == Rounds - 1)
            {
                other!.CallSoonThreadSafe(other.Stop);
                test.Loop.Stop();
                return;
            }

            other!.CallSoonThreadSafe(() => test.Loop.CallSoonThreadSafe(Ping));
        }
    });

    [Fact]
    public void Calls_before_the_loop_runs_wait_for_it() => LoopTest.On(test =>
    {
        var ran = 0;
        using (LoopTest.StartThread(() => test.Loop.CallSoonThreadSafe(() => ran++)))
        {
        }

        test.RunIterations(1);
        Assert.Equal(1, ran);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_call_soon_threadsafe_handle_cancel_other_thread")]
    public void Any_thread_may_cancel_the_handle() => LoopTest.On(test =>
    {
        var ran = false;
        var handle = test.Loop.CallSoonThreadSafe(() => ran = true);
        using (LoopTest.StartThread(() =>
        {
            Assert.True(handle.IsPending);
            handle.Cancel();
            Assert.False(handle.IsPending);
            handle.Cancel();
        }))
        {
        }

        test.RunIterations(2);
        Assert.False(ran);
    });

    [Fact]
    public void A_handle_that_is_over_can_be_cancelled() => LoopTest.On(test =>
    {
        var ran = 0;
        var handle = test.Loop.CallSoonThreadSafe(() => ran++);
        test.RunIterations(1);
        Assert.False(handle.IsPending);
        using (LoopTest.StartThread(handle.Cancel))
        {
        }

        test.Loop.CallSoonThreadSafe(() => ran++);
        test.RunIterations(1);
        Assert.Equal(2, ran);
    });

    [Fact]
    public void A_call_either_runs_or_is_cancelled_when_both_race() => LoopTest.On(test =>
    {
        const int Calls = 20_000;
        var ran = 0;
        using var handles = new System.Collections.Concurrent.BlockingCollection<Handle>();
        using var canceller = LoopTest.StartThread(() =>
        {
            foreach (var handle in handles.GetConsumingEnumerable())
            {
                handle.Cancel();
            }

            test.Loop.CallSoonThreadSafe(test.Loop.Stop);
        });
        using var poster = LoopTest.StartThread(() =>
        {
            for (var i = 0; i < Calls; i++)
            {
                handles.Add(test.Loop.CallSoonThreadSafe(() => ran++));
            }

            handles.CompleteAdding();
        });
        test.Loop.RunForever();
        Assert.InRange(ran, 0, Calls);
    });

    [Fact]
    public void An_exception_in_a_posted_callback_is_reported() => LoopTest.On(test =>
    {
        test.Loop.CallSoonThreadSafe(() => throw new IOException("posted"));
        test.RunIterations(1);
        Assert.Equal("posted", test.TakeReport().Exception!.Message);
    });

    [Fact]
    public void Closing_the_loop_races_with_posts_without_harm() => LoopTest.OnThread(() =>
    {
        for (var round = 0; round < 100; round++)
        {
            var loop = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver() });
            using var started = new ManualResetEvent(false);
            using var poster = LoopTest.StartThread(() =>
            {
                var posted = 0;
                while (true)
                {
                    try
                    {
                        loop.CallSoonThreadSafe(() => { });
                    }
                    catch (InvalidOperationException)
                    {
                        break;
                    }

                    if (posted++ == 10)
                    {
                        started.Set();
                    }
                }
            });
            LoopTest.Await(started);
            loop.Stop();
            loop.RunForever();
            loop.Dispose();
        }
    });
}

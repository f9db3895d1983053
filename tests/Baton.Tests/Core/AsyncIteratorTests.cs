using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

/// <summary>Async iterators: in coroutines, over coroutines, and cancelled.</summary>
public class AsyncIteratorTests
{
    [Fact]
    public void A_coroutine_enumerates_an_iterator_that_awaits_coroutines_futures_and_tasks() => LoopTest.Run(async test =>
    {
        var current = LoopTask.Current;
        var seen = new List<int>();
        await foreach (var value in Values(test))
        {
            Check(test, current);
            seen.Add(value);
        }

        Check(test, current);
        Assert.Equal([1, 2, 3, 4, 5], seen);
    });

    [Fact]
    public void Nothing_of_an_iterator_resumes_inside_SetResult() => LoopTest.Run(async test =>
    {
        var gate = test.Loop.CreateFuture();
        var log = new List<string>();
        var task = test.Loop.CreateTask(Enumerate());
        await Coroutine.Yield();
        gate.SetResult();
        log.Add("after");
        await task;
        Assert.Equal(["after", "value"], log);

        async Coroutine Enumerate()
        {
            await foreach (var _ in Gated())
            {
                log.Add("value");
            }
        }

        async IAsyncEnumerable<int> Gated()
        {
            await gate;
            yield return 1;
        }
    });

    [Fact]
    public void Cancelling_the_task_reaches_what_the_iterator_waits_for_and_disposes_of_it() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var task = test.Loop.CreateTask(Enumerate());
        await Coroutine.Yield();
        await Coroutine.Yield();
        await Coroutine.Yield();
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(["value 1", "disposed"], log);

        async Coroutine Enumerate()
        {
            await foreach (var value in Endless())
            {
                log.Add($"value {value}");
            }
        }

        async IAsyncEnumerable<int> Endless()
        {
            try
            {
                yield return 1;
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                await Coroutine.Yield();
                log.Add("disposed");
            }
        }
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_asyncgen_finalization_by_gc",
        Improvement = "Who leaves an enumeration disposes of its iterator there and then, on the loop; nothing waits for the collector.")]
    public void Leaving_the_enumeration_early_disposes_of_the_iterator_on_the_loop() => LoopTest.Run(async test =>
    {
        var disposed = false;
        await foreach (var value in Endless())
        {
            if (value == 3)
            {
                break;
            }
        }

        Assert.True(disposed);

        async IAsyncEnumerable<int> Endless()
        {
            try
            {
                for (var i = 0; ; i++)
                {
                    await Coroutine.Yield();
                    yield return i;
                }
            }
            finally
            {
                await Coroutine.Sleep(TimeSpan.FromSeconds(1));
                Assert.True(test.Loop.IsOnLoopThread);
                disposed = true;
            }
        }
    });

    [Fact]
    public void An_async_disposable_is_disposed_of_on_the_loop() => LoopTest.Run(async test =>
    {
        var resource = new Resource(test.Loop);
        await using (resource)
        {
            await Coroutine.Yield();
        }

        Assert.True(resource.IsDisposed);
    });

    private static async IAsyncEnumerable<int> Values(LoopTest test)
    {
        var current = LoopTask.Current;
        yield return 1;
        await Coroutine.Sleep(TimeSpan.FromSeconds(1));
        Check(test, current);
        yield return await Coroutine.FromResult(2);
        var future = test.Loop.CreateFuture<int>();
        test.Loop.CallLater(TimeSpan.FromSeconds(1), () => future.SetResult(3));
        yield return await future;
        Check(test, current);
        await Task.Delay(1);
        Check(test, current);
        yield return 4;
        await Task.Yield();
        Check(test, current);
        yield return await test.Loop.CreateTask(Coroutine.FromResult(5));
    }

    private static void Check(LoopTest test, LoopTask? current)
    {
        Assert.True(test.Loop.IsOnLoopThread);
        Assert.Same(current, LoopTask.Current);
    }

    private sealed class Resource(EventLoop loop) : IAsyncDisposable
    {
        public bool IsDisposed { get; private set; }

        public async ValueTask DisposeAsync()
        {
            await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            Assert.True(loop.IsOnLoopThread);
            IsDisposed = true;
        }
    }
}

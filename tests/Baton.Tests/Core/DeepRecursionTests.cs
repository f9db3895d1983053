namespace Baton.Tests.Core;

/// <summary>Depth is bounded by memory and not by the stack: everything here runs on a thread with 256 KiB of it.</summary>
public class DeepRecursionTests
{
    private const int Deep = 100_000;
    private const int SmallStack = 256 * 1024;

    [Fact]
    public void Coroutines_that_suspend_at_the_bottom() => OnSmallStack(async () => Assert.Equal(Deep, await Recurse(Deep, suspend: true)));

    [Fact]
    public void Coroutines_that_do_not_suspend() => OnSmallStack(async () => Assert.Equal(Deep, await Recurse(Deep, suspend: false)));

    [Fact]
    public void Coroutines_that_suspend_at_every_level_on_the_way_up() => OnSmallStack(async () =>
    {
        Assert.Equal(Deep, await Up(Deep));

        static async Coroutine<int> Up(int depth)
        {
            var result = depth == 0 ? 0 : await Up(depth - 1) + 1;
            await Coroutine.Yield();
            return result;
        }
    });

    [Fact]
    public void An_exception_from_the_bottom() => OnSmallStack(async () =>
    {
        await Assert.ThrowsAsync<IOException>(async () => await Fail(2000));

        static async Coroutine Fail(int depth)
        {
            if (depth == 0)
            {
                await Coroutine.Yield();
                throw new IOException();
            }

            await Fail(depth - 1);
        }
    });

    [Fact]
    public void A_cancellation_at_the_bottom() => OnSmallStack(async () =>
    {
        var task = Coroutine.Start(Recurse(2000, suspend: true, TimeSpan.FromHours(1)));
        await Coroutine.Sleep(TimeSpan.FromSeconds(1));
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
    });

    [Fact]
    public void Mixed_with_plain_async_methods() => OnSmallStack(async () =>
    {
        // The plain methods' own frames are on the stack until something suspends, as always in C#.
        Assert.Equal(200, await Mixed(200));

        static async Coroutine<int> Mixed(int depth)
        {
            if (depth == 0)
            {
                await Coroutine.Yield();
                return 0;
            }

            return await Plain(depth) + 1;
        }

        static async Task<int> Plain(int depth) => await Mixed(depth - 1);
    });

    [Fact]
    public void Mixed_with_plain_async_methods_on_an_ordinary_stack() => LoopTest.OnThread(
        () => RunLoop(async () => Assert.Equal(4000, await Mixed(4000))),
        8 * 1024 * 1024);

    [Fact]
    public void A_chain_of_tasks_that_await_one_another() => OnSmallStack(async () =>
    {
        var gate = EventLoop.Current.CreateFuture();
        Future last = gate;
        for (var i = 0; i < Deep; i++)
        {
            last = Coroutine.Start(Await(last));
        }

        await Coroutine.Yield();
        gate.SetResult();
        await last;
    });

    [Fact]
    public void Cancelling_a_chain_of_tasks_that_await_one_another() => OnSmallStack(async () =>
    {
        // Fewer than above: every task that the exception passes adds to its stack trace.
        Future last = EventLoop.Current.CreateFuture();
        for (var i = 0; i < 5000; i++)
        {
            last = Coroutine.Start(Await(last));
        }

        await Coroutine.Yield();
        last.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await last);
    });

    [Fact]
    public void A_million_awaits_of_a_coroutine_that_does_not_suspend() => OnSmallStack(async () =>
    {
        var sum = 0L;
        for (var i = 0; i < 1_000_000; i++)
        {
            sum += await Coroutine.FromResult(i);
        }

        Assert.Equal(499_999_500_000, sum);
    });

    [Fact]
    public void A_million_awaits_of_a_completed_task() => OnSmallStack(async () =>
    {
        for (var i = 0; i < 1_000_000; i++)
        {
            await Task.CompletedTask;
        }
    });

    [Fact]
    public void A_hundred_thousand_switches() => OnSmallStack(async () =>
    {
        for (var i = 0; i < Deep; i++)
        {
            await Coroutine.Yield();
        }
    });

    private static async Coroutine Await(Future future) => await future;

    private static async Coroutine<int> Recurse(int depth, bool suspend, TimeSpan delay = default)
    {
        if (depth == 0)
        {
            if (suspend)
            {
                await Coroutine.Sleep(delay);
            }

            return 0;
        }

        return await Recurse(depth - 1, suspend, delay) + 1;
    }

    private static async Coroutine<int> Mixed(int depth)
    {
        if (depth == 0)
        {
            await Coroutine.Yield();
            return 0;
        }

        return await Plain(depth) + 1;
    }

    private static async Task<int> Plain(int depth) => await Mixed(depth - 1);

    private static void OnSmallStack(Func<Coroutine> main) => LoopTest.OnThread(() => RunLoop(main), SmallStack);

    private static void RunLoop(Func<Coroutine> main)
    {
        using var loop = new EventLoop(
            new EventLoopOptions { Driver = new VirtualDriver(), ExceptionHandler = (_, report) => Assert.Fail(report.ToString()) });
        loop.RunUntilComplete(Call());
        Assert.Equal(0, loop.TaskCount);

        async Coroutine Call() => await main();
    }
}

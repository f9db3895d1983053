namespace Baton.Bench.Micro;

/// <summary>The micro benchmarks, in the order in which they are printed.</summary>
internal static class MicroBenchmarks
{
    private const int LiveTimers = 1_000_000;
    private const int TimerBurst = 100;
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public static IReadOnlyList<MicroBenchmark> All { get; } =
    [
        new("switch", "one trip through the scheduler", 200_000, Switch, SwitchBcl),
        new("await-completed", "await of an async method that completes at once", 200_000, AwaitCompleted, AwaitCompletedBcl),
        new("await-chain-10", "ten nested async methods, the innermost suspends once", 20_000, AwaitChain, AwaitChainBcl),
        new("start-and-await", "start a task and await it", 100_000, StartAndAwait, StartAndAwaitBcl),
        new("ping-pong", "one message there or back between two tasks, by futures", 100_000, PingPong, PingPongBcl),
        new("call-soon", "queue a callback and run it", 200_000, CallSoon, CallSoonBcl),
        new("timer-set-cancel", "set and cancel a timer, beside a million live ones", 100_000, TimerSetCancel, TimerSetCancelBcl)
        {
            SetUpBaton = LiveTimersOnLoop,
            SetUpBcl = LiveTimersOnBcl,
        },
        new("timer-fire", "set a timer and run its callback", 50_000, TimerFire, TimerFireBcl),
        new("post", "hand a callback over from another thread and run it", 50_000, Post, PostBcl),
        .. StructuredBenchmarks.All,
        .. TaskBenchmarks.All,
        .. InteropBenchmarks.All,
        .. SynchronizationBenchmarks.All,
    ];

    private static async Coroutine Switch(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await Coroutine.Yield();
        }
    }

    private static async Task SwitchBcl(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await Task.Yield();
        }
    }

    private static async Coroutine AwaitCompleted(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await Completed(i);
        }
    }

    private static async Task AwaitCompletedBcl(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await CompletedBcl(i);
        }
    }

#pragma warning disable CS1998 // Completing without an await is what is measured.
    private static async Coroutine<int> Completed(int value) => value;

    private static async Task<int> CompletedBcl(int value) => value;
#pragma warning restore CS1998

    private static async Coroutine AwaitChain(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await Chain(9);
        }
    }

    private static async Task AwaitChainBcl(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await ChainBcl(9);
        }
    }

    private static async Coroutine<int> Chain(int depth)
    {
        if (depth > 0)
        {
            return await Chain(depth - 1) + 1;
        }

        await Coroutine.Yield();
        return 1;
    }

    private static async Task<int> ChainBcl(int depth)
    {
        if (depth > 0)
        {
            return await ChainBcl(depth - 1) + 1;
        }

        await Task.Yield();
        return 1;
    }

    private static async Coroutine StartAndAwait(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await Coroutine.Start(Completed(i));
        }
    }

    private static async Task StartAndAwaitBcl(int count)
    {
        for (var i = 0; i < count; i++)
        {
            var value = i;
            await Task.Run(() => CompletedBcl(value));
        }
    }

    private static async Coroutine PingPong(int count)
    {
        var loop = EventLoop.Current;
        var ping = loop.CreateFuture<int>();
        var pong = loop.CreateFuture<int>();
        var other = Coroutine.Start(Answer());
        for (var i = 0; i < count; i += 2)
        {
            ping.SetResult(i);
            await pong;
            pong = loop.CreateFuture<int>();
        }

        await other;

        async Coroutine Answer()
        {
            for (var i = 0; i < count; i += 2)
            {
                await ping;
                ping = loop.CreateFuture<int>();
                pong.SetResult(i);
            }
        }
    }

    private static async Task PingPongBcl(int count)
    {
        var ping = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var pong = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        var other = Task.Run(Answer);
        for (var i = 0; i < count; i += 2)
        {
            var answer = pong.Task;
            ping.SetResult(i);
            await answer;
        }

        await other;

        async Task Answer()
        {
            for (var i = 0; i < count; i += 2)
            {
                await ping.Task;
                ping = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
                var answered = pong;
                pong = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
                answered.SetResult(i);
            }
        }
    }

    private static async Coroutine CallSoon(int count)
    {
        var loop = EventLoop.Current;
        var countdown = new Countdown { Left = count, Done = loop.CreateFuture() };
        for (var i = 0; i < count; i++)
        {
            loop.CallSoon(static state => ((Countdown)state!).Signal(), countdown);
            if (i % 100 == 99)
            {
                await Coroutine.Yield();
            }
        }

        await countdown.Done;
    }

    private static async Task CallSoonBcl(int count)
    {
        var countdown = new Countdown { Left = count };
        for (var i = 0; i < count; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static countdown => countdown.SignalInterlocked(), countdown, preferLocal: true);
            if (i % 100 == 99)
            {
                await Task.Yield();
            }
        }

        await countdown.DoneBcl.Task;
    }

    private static Coroutine TimerSetCancel(int count)
    {
        var loop = EventLoop.Current;
        for (var i = 0; i < count; i++)
        {
            loop.CallLater(Hour, static _ => { }, null).Cancel();
        }

        return default;
    }

    private static Task TimerSetCancelBcl(int count)
    {
        for (var i = 0; i < count; i++)
        {
            new Timer(static _ => { }, null, Hour, Timeout.InfiniteTimeSpan).Dispose();
        }

        return Task.CompletedTask;
    }

    private static async Coroutine TimerFire(int count)
    {
        var loop = EventLoop.Current;
        var countdown = new Countdown { Left = count, Done = loop.CreateFuture() };
        for (var i = 0; i < count; i += TimerBurst)
        {
            var now = loop.Time;
            for (var j = 0; j < TimerBurst; j++)
            {
                loop.CallAt(now + j, static state => ((Countdown)state!).Signal(), countdown);
            }

            await Coroutine.Yield();
        }

        await countdown.Done;
    }

    private static async Task TimerFireBcl(int count)
    {
        var countdown = new Countdown { Left = count };

        // A timer that nobody holds may be collected before it fires.
        var timers = new Timer[count];
        for (var i = 0; i < count; i++)
        {
            timers[i] = new Timer(
                static state => ((Countdown)state!).SignalInterlocked(), countdown, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
            if (i % TimerBurst == TimerBurst - 1)
            {
                await Task.Yield();
            }
        }

        await countdown.DoneBcl.Task;
        Array.ForEach(timers, timer => timer.Dispose());
    }

    private static async Coroutine Post(int count)
    {
        var loop = EventLoop.Current;
        var countdown = new Countdown { Left = count, Done = loop.CreateFuture() };
        var poster = new Thread(() =>
        {
            for (var i = 0; i < count; i++)
            {
                loop.CallSoonThreadSafe(static state => ((Countdown)state!).Signal(), countdown);
            }
        });
        poster.Start();
        await countdown.Done;
        poster.Join();
    }

    private static async Task PostBcl(int count)
    {
        var countdown = new Countdown { Left = count };
        var poster = new Thread(() =>
        {
            for (var i = 0; i < count; i++)
            {
                ThreadPool.QueueUserWorkItem(static countdown => countdown.SignalInterlocked(), countdown, preferLocal: false);
            }
        });
        poster.Start();
        await countdown.DoneBcl.Task;
        poster.Join();
    }

    private static CleanUp LiveTimersOnLoop()
    {
        var loop = EventLoop.Current;
        var now = loop.Time;
        var handles = new TimerHandle[LiveTimers];
        for (var i = 0; i < handles.Length; i++)
        {
            // Deadlines on both sides of the measured ones, in no order.
            handles[i] = loop.CallAt(now + Spread(i), static _ => { }, null);
        }

        return new CleanUp(() => Array.ForEach(handles, handle => handle.Cancel()));
    }

    private static CleanUp LiveTimersOnBcl()
    {
        var timers = new Timer[LiveTimers];
        for (var i = 0; i < timers.Length; i++)
        {
            timers[i] = new Timer(static _ => { }, null, TimeSpan.FromTicks(Spread(i) / 100), Timeout.InfiniteTimeSpan);
        }

        return new CleanUp(() => Array.ForEach(timers, timer => timer.Dispose()));
    }

    /// <summary>Between half an hour and one and a half, in nanoseconds.</summary>
    private static long Spread(int i) => (long)(Hour.TotalNanoseconds * (0.5 + (i * 0.6180339887 % 1)));

    private sealed class Countdown
    {
        public int Left;

        public Future Done { get; init; } = null!;

        public TaskCompletionSource DoneBcl { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Signal()
        {
            if (--Left == 0)
            {
                Done.SetResult();
            }
        }

        public void SignalInterlocked()
        {
            if (Interlocked.Decrement(ref Left) == 0)
            {
                DoneBcl.SetResult();
            }
        }
    }

    private sealed class CleanUp(Action action) : IDisposable
    {
        public void Dispose() => action();
    }
}

using System.Net.Sockets;

namespace Baton.Tests.Interop;

#pragma warning disable xUnit2014 // These calls throw before there is a task.
#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>Loops on threads of their own.</summary>
public class EventLoopThreadTests
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(60);

    [Fact]
    public void It_runs_coroutines_and_callbacks() => LoopTest.OnThread(() =>
    {
        using var thread = Start();
        Assert.True(thread.Loop.IsRunning);
        Assert.Equal(7, thread.Run(Seven).GetAwaiter().GetResult());
        thread.Run(async () => Assert.Equal("loop thread", Thread.CurrentThread.Name)).GetAwaiter().GetResult();
        using var called = new ManualResetEvent(false);
        thread.Post(() => called.Set());
        LoopTest.Await(called);
        Assert.Throws<IOException>(() => thread.Run(async () => throw new IOException()).GetAwaiter().GetResult());
        Assert.Equal("Event loop thread 'loop thread'", thread.ToString());
        Assert.Equal("loop thread", thread.Loop.Name);
        Assert.Throws<ArgumentNullException>(() => { thread.Run((Func<Coroutine>)null!); });
        Assert.Throws<ArgumentNullException>(() => { thread.Run((Func<Coroutine<int>>)null!); });

        async Coroutine<int> Seven()
        {
            Assert.Same(thread.Loop, EventLoop.Current);
            await Coroutine.Sleep(TimeSpan.FromSeconds(7));
            return 7;
        }
    });

    [Fact]
    public void It_has_defaults() => LoopTest.OnThread(() =>
    {
        Assert.SkipUnless(LoopTest.HasDefaultDriver(), "There is no default driver on this platform.");
        using var thread = EventLoopThread.Start();
        Assert.Equal("event loop", thread.Name);
        Assert.Equal("event loop", thread.Loop.Name);
        Assert.True(thread.Run(async () => Thread.CurrentThread.IsBackground).GetAwaiter().GetResult());
    });

    [Fact]
    public void The_thread_is_as_the_options_say_and_they_are_left_alone() => LoopTest.OnThread(() =>
    {
        var options = new EventLoopThreadOptions
        {
            Name = "a",
            IsBackground = false,
            Loop = new EventLoopOptions { Name = "b", Driver = new VirtualDriver() },
        };
        using var thread = EventLoopThread.Start(options);
        Assert.Equal("a", thread.Name);
        Assert.Equal("b", thread.Loop.Name);
        Assert.False(thread.Loop.Invoke(() => Thread.CurrentThread.IsBackground));
        Assert.True(options.Loop.HandleSignals);
    });

    [Fact]
    public void A_token_cancels_the_task() => LoopTest.OnThread(() =>
    {
        using var thread = Start();
        using var source = new CancellationTokenSource();
        using var suspended = new ManualResetEvent(false);
        var task = thread.Run(
            async Coroutine () =>
            {
                suspended.Set();
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            },
            source.Token);
        LoopTest.Await(suspended);
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => task.GetAwaiter().GetResult());
    });

    [Fact]
    public void Stopping_cancels_the_tasks_and_awaits_them() => LoopTest.OnThread(() =>
    {
        var thread = Start();
        using var suspended = new ManualResetEvent(false);
        var cleanedUp = false;
        var task = thread.Run(async Coroutine () =>
        {
            try
            {
                suspended.Set();
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                await Coroutine.Sleep(TimeSpan.FromSeconds(1));
                cleanedUp = true;
            }
        });
        LoopTest.Await(suspended);
        Assert.True(thread.StopAsync(Guard).Wait(Guard));
        Assert.True(cleanedUp);
        Assert.ThrowsAny<OperationCanceledException>(() => task.GetAwaiter().GetResult());
        Assert.True(thread.Loop.IsClosed);
        Assert.True(thread.Completion.IsCompletedSuccessfully);
        Assert.Throws<InvalidOperationException>(() => { thread.Run(async () => { }); });
        Assert.Throws<InvalidOperationException>(() => { thread.Post(() => { }); });

        // Again, in every way.
        thread.RequestStop();
        Assert.True(thread.StopAsync().Wait(Guard));
        thread.Dispose();
        thread.Dispose();
        Assert.True(thread.DisposeAsync().IsCompleted);
    });

    [Fact]
    public void Disposing_asynchronously_waits_for_the_end() => LoopTest.Run(async () =>
    {
        var thread = Start();
        await using (thread)
        {
            Assert.Equal(1, await thread.Run(async () => 1));
        }

        Assert.True(thread.Loop.IsClosed);
        thread.Dispose();
    });

    [Fact]
    public void It_cannot_be_waited_for_on_its_own_thread() => LoopTest.OnThread(() =>
    {
        using var thread = Start();
        thread.Loop.Invoke(() =>
        {
            Assert.Contains("own thread", Assert.Throws<InvalidOperationException>(thread.Dispose).Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(() => { _ = thread.DisposeAsync(); });
            Assert.Throws<InvalidOperationException>(() => { _ = thread.StopAsync(); });
        });
        Assert.False(thread.Completion.IsCompleted);
        thread.Loop.Invoke(thread.RequestStop);
        Assert.True(thread.Completion.Wait(Guard));
    });

    [Fact]
    public void A_stop_that_takes_too_long_says_so_and_goes_on() => LoopTest.OnThread(() =>
    {
        using var thread = Start();
        using var blocked = new ManualResetEvent(false);
        using var release = new ManualResetEvent(false);
        thread.Post(() =>
        {
            blocked.Set();
            LoopTest.Await(release);
        });
        LoopTest.Await(blocked);
        var exception = Assert.Throws<TimeoutException>(() => thread.StopAsync(TimeSpan.FromMilliseconds(1)).GetAwaiter().GetResult());
        Assert.Contains("'loop thread' did not end within 0.001 s", exception.Message, StringComparison.Ordinal);
        release.Set();
        Assert.True(thread.StopAsync().Wait(Guard));
    });

    [Fact]
    public void Somebody_who_cancels_every_task_stops_it() => LoopTest.OnThread(() =>
    {
        using var thread = Start();
        thread.Post(() =>
        {
            foreach (var task in thread.Loop.AllTasks())
            {
                task.Cancel();
            }
        });
        Assert.True(thread.Completion.Wait(Guard));
    });

    [Fact]
    public void Where_the_loop_cannot_be_made_Start_throws() => LoopTest.OnThread(() =>
    {
        var broken = new EventLoopThreadOptions { Loop = new EventLoopOptions { Driver = new BrokenDriver { FailsAt = "Clock" } } };
        Assert.Equal("Clock", Assert.Throws<IOException>(() => EventLoopThread.Start(broken)).Message);
    });

    [Fact]
    public void A_failure_of_the_loop_itself_surfaces() => LoopTest.OnThread(() =>
    {
        var driver = new BrokenDriver();
        var reports = new List<LoopExceptionContext>();
        var thread = EventLoopThread.Start(new EventLoopThreadOptions
        {
            Name = "broken",
            Loop = new EventLoopOptions { Driver = driver, ExceptionHandler = (_, report) => reports.Add(report) },
        });
        var waiting = thread.Run(() => Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        driver.FailsAt = "Poll";
        thread.Loop.TryCallSoonThreadSafe(static _ => { }, null);
        Assert.Equal("Poll", Assert.Throws<IOException>(() => thread.Completion.GetAwaiter().GetResult()).Message);
        Assert.Throws<IOException>(() => thread.StopAsync().GetAwaiter().GetResult());
        Assert.Throws<InvalidOperationException>(() => waiting.GetAwaiter().GetResult());
        thread.Dispose();
        Assert.True(thread.Loop.IsClosed);
        Assert.Contains(reports, report => report.Message == "Event loop thread 'broken' failed" && report.Exception is IOException);
    });

    [Fact]
    public void Functions_in_the_default_executor_are_awaited() => LoopTest.OnThread(() =>
    {
        Assert.SkipUnless(LoopTest.HasDefaultDriver(), "There is no default driver on this platform.");
        using var thread = EventLoopThread.Start();
        using var running = new ManualResetEvent(false);
        using var release = new ManualResetEvent(false);
        var ended = false;
        thread.Loop.Invoke(() =>
        {
            thread.Loop.RunInExecutor(() =>
            {
                running.Set();
                LoopTest.Await(release);
                ended = true;
            });
        });
        LoopTest.Await(running);
        var stop = thread.StopAsync();
        Assert.False(stop.IsCompleted);
        release.Set();
        Assert.True(stop.Wait(Guard));
        Assert.True(ended);
    });

    [Fact]
    public void There_can_be_many_at_once() => LoopTest.OnThread(() =>
    {
        // The equivalent of CPython's free-threading tests: tasks of one loop never show on another.
        var threads = Enumerable.Range(0, 8).Select(_ => Start()).ToList();
        var tasks = threads.SelectMany(thread => Enumerable.Range(0, 20).Select(_ => thread.Run(async Coroutine<bool> () =>
        {
            for (var i = 0; i < 20; i++)
            {
                await Coroutine.Yield();
                if (EventLoop.Current.AllTasks().Any(task => task.Loop != thread.Loop) || LoopTask.Current!.Loop != thread.Loop)
                {
                    return false;
                }
            }

            return true;
        }))).ToList();
        Assert.True(Task.WhenAll(tasks).Wait(Guard));
        Assert.All(tasks, task => Assert.True(task.Result));
        threads.ForEach(thread => thread.Dispose());
    });

    private static EventLoopThread Start() => EventLoopThread.Start(new EventLoopThreadOptions
    {
        Name = "loop thread",
        Loop = new EventLoopOptions { Driver = new VirtualDriver() },
    });

    /// <summary>A driver that works until it is told not to.</summary>
    private sealed class BrokenDriver : IoDriver
    {
        private readonly VirtualDriver _inner = new();

        public string? FailsAt { get; set; }

        public override string Name => "broken";

        public override LoopClock Clock => FailsAt == nameof(Clock) ? throw new IOException(FailsAt) : _inner.Clock;

        public override void Poll(long timeout)
        {
            Check(nameof(Poll));
            _inner.Poll(timeout);
            Check(nameof(Poll));
        }

        public override void Wake() => _inner.Wake();

        public override IoSocket CreateSocket(
            EventLoop loop, AddressFamily addressFamily, SocketType socketType, ProtocolType protocolType) =>
            throw new NotSupportedException();

        protected override void Dispose(bool disposing) => _inner.Dispose();

        private void Check(string where)
        {
            if (FailsAt == where)
            {
                throw new IOException(where);
            }
        }
    }
}

using System.Globalization;

namespace Baton.Tests.Interop;

#pragma warning disable xUnit2014 // These calls throw before there is a task.
#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>Several loops, each on a thread of its own: how they begin and end, and calls from any thread.</summary>
public class EventLoopGroupTests
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(60);

    [Fact]
    public void Each_loop_has_a_thread_of_its_own() => GroupTest.Run(3, async test =>
    {
        var group = test.Group;
        Assert.Equal(3, group.Count);
        Assert.Equal(["group-0", "group-1", "group-2"], group.Loops.Select(loop => loop.Name));
        Assert.Same(group.Loops[1], group[1]);
        Assert.Throws<ArgumentOutOfRangeException>(() => group[3]);
        Assert.Equal("Event loop group 'group'", group.ToString());
        var names = await group.RunOnAllAsync(async loop =>
        {
            Assert.Same(loop, EventLoop.Current);
            return (Thread.CurrentThread.Name, Thread.CurrentThread.IsBackground);
        });
        Assert.Equal([("group-0", true), ("group-1", true), ("group-2", true)], names);
    });

    [Fact]
    public void The_next_loop_goes_round_and_round_and_leaves_out_those_that_have_closed() => GroupTest.Run(3, async test =>
    {
        test.EndsItself = true;
        var group = test.Group;
        EventLoop[] expected = [group[0], group[1], group[2], group[0]];
        Assert.Equal(expected, expected.Select(_ => group.Next()));
        await Close(group[1]);
        Assert.Equal([group[2], group[0], group[2]], Enumerable.Range(0, 3).Select(_ => group.Next()));
        await group.DisposeAsync();
        Assert.Contains("shut down", Assert.Throws<InvalidOperationException>(() => group.Next()).Message, StringComparison.Ordinal);
    });

    [Fact]
    public void There_are_as_many_loops_as_processors_unless_the_options_say() => LoopTest.OnThread(() =>
    {
        Assert.Equal(Environment.ProcessorCount, new EventLoopGroupOptions().Count);
        Assert.Throws<ArgumentOutOfRangeException>(() => new EventLoopGroupOptions { Count = 0 });
        using var group = EventLoopGroup.Start(new EventLoopGroupOptions { IsBackground = false, ConfigureLoop = (_, loop) => loop.Driver = new VirtualDriver() });
        Assert.Equal(Environment.ProcessorCount, group.Count);
        Assert.False(group[0].Invoke(() => Thread.CurrentThread.IsBackground));
    });

    [Fact]
    public void Where_one_loop_cannot_be_made_the_others_are_stopped_again() => LoopTest.OnThread(() =>
    {
        var drivers = new List<VirtualDriver>();
        var options = new EventLoopGroupOptions
        {
            Count = 3,
            ConfigureLoop = (index, loop) =>
            {
                if (index == 2)
                {
                    throw new IOException("no third");
                }

                drivers.Add(new VirtualDriver());
                loop.Driver = drivers[^1];
            },
        };
        Assert.Equal("no third", Assert.Throws<IOException>(() => EventLoopGroup.Start(options)).Message);
        Assert.Equal(2, drivers.Count);
        Assert.All(drivers, driver => Assert.True(driver.IsDisposed));
    });

    [Fact]
    public void Failures_of_all_loops_reach_the_one_handler() => GroupTest.Run(2, async test =>
    {
        await test.Group.RunOnAllAsync(async loop => loop.CallSoon(() => throw new IOException(loop.Name)));
        await test.Group.RunOnAllAsync(async _ => { });
        Assert.Equal(["group-0", "group-1"], test.TakeReports().Select(report => report.Exception!.Message).Order(StringComparer.Ordinal));
    });

    [Fact]
    public void Threads_can_be_pinned_each_to_a_processor() => LoopTest.OnThread(() =>
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Threads are pinned on Linux only.");
        var logs = new List<LogRecorder>();
        var count = Environment.ProcessorCount + 1;
        using var group = EventLoopGroup.Start(new EventLoopGroupOptions
        {
            Count = count,
            PinThreads = true,
            ConfigureLoop = (_, loop) =>
            {
                loop.Driver = new VirtualDriver();
                logs.Add(new LogRecorder());
                loop.LoggerFactory = logs[^1];
            },
        });
        var allowed = group.Loops.Select(loop => loop.Invoke(AllowedProcessors)).ToList();
        Assert.All(allowed, processors => Assert.True(int.TryParse(processors, CultureInfo.InvariantCulture, out _), processors));
        Assert.Equal(Environment.ProcessorCount, allowed.Distinct().Count());
        Assert.Equal(allowed[0], allowed[^1]);

        Assert.All(logs, log => Assert.Contains(log.Entries, entry => entry.Id == 50 && entry.Text.Contains("pinned to processor", StringComparison.Ordinal)));

        // Other threads of a pinned loop's go where they like.
        var elsewhere = group.RunAsync(group[0], _ => Coroutine.ToThread(AllowedProcessors)).GetAwaiter().GetResult();
        Assert.Equal(Environment.ProcessorCount > 1, !int.TryParse(elsewhere, CultureInfo.InvariantCulture, out var _));

        // This thread goes where it likes, and so does what a pinned loop starts.
        var mine = AllowedProcessors();
        Assert.NotEqual(Environment.ProcessorCount > 1, int.TryParse(mine, CultureInfo.InvariantCulture, out _));

        static string AllowedProcessors() => File.ReadLines("/proc/thread-self/status")
            .Single(line => line.StartsWith("Cpus_allowed_list:", StringComparison.Ordinal)).Split(':')[1].Trim();
    });

    [Fact]
    public void Child_processes_of_a_pinned_loop_are_pinned_with_it() => GroupTest.Run(
        2,
        async test =>
        {
            Assert.SkipUnless(OperatingSystem.IsLinux(), "Threads are pinned on Linux only.");
            var ofChild = await test.Group.RunAsync(test.Group[1], async _ =>
                (await ChildProcess.RunAsync("grep", "Cpus_allowed_list", "/proc/self/status")).EnsureSuccess().OutputText);
            var ofLoop = test.Group[1].Invoke(
                () => File.ReadLines("/proc/thread-self/status").Single(line => line.StartsWith("Cpus_allowed_list", StringComparison.Ordinal)));
            Assert.Equal(ofLoop, ofChild.TrimEnd());
        },
        options => options.PinThreads = true);

    [Fact]
    public void Calls_from_any_thread_return_results_and_failures() => GroupTest.Run(2, async test =>
    {
        var group = test.Group;
        var local = new AsyncLocal<string> { Value = "flows" };
        Assert.Equal("flows", await group.RunAsync(group[1], async loop =>
        {
            await Coroutine.Yield();
            Assert.Same(group[1], loop);
            return local.Value!;
        }));
        Assert.Equal("group-0", await group.RunAsync(async loop => loop.Name));
        await group.RunAsync(async loop => Assert.Same(group[1], loop));
        Assert.Equal("mine", (await Assert.ThrowsAsync<IOException>(() => group.RunAsync(group[0], async _ => throw new IOException("mine")))).Message);
        Assert.Throws<ArgumentNullException>(() => { group.RunAsync((Func<EventLoop, Coroutine>)null!); });
        Assert.Throws<ArgumentNullException>(() => { group.RunOnAllAsync((Func<EventLoop, Coroutine>)null!); });
    });

    [Fact]
    public void A_token_cancels_a_call_from_any_thread() => GroupTest.Run(2, async test =>
    {
        using var source = new CancellationTokenSource();
        using var started = new CountdownEvent(2);
        var all = test.Group.RunOnAllAsync(
            async _ =>
            {
                started.Signal();
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            },
            source.Token);
        LoopTest.Await(started.WaitHandle);
        await source.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => all);
    });

    [Fact]
    public void When_one_of_all_fails_the_others_are_cancelled() => GroupTest.Run(3, async test =>
    {
        var cancelled = 0;
        var all = test.Group.RunOnAllAsync(async Coroutine (loop) =>
        {
            if (loop == test.Group[1])
            {
                throw new IOException("one");
            }

            try
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            catch (CancelledException)
            {
                Interlocked.Increment(ref cancelled);
                throw;
            }
        });
        Assert.Equal("one", (await Assert.ThrowsAsync<IOException>(() => all)).Message);
        Assert.Single(all.Exception!.InnerExceptions);
        Assert.InRange(cancelled, 0, 2); // One that had not begun when it was cancelled never begins.
    });

    [Fact]
    public void Shutting_down_lets_calls_finish_and_takes_no_more() => GroupTest.Run(2, async test =>
    {
        test.EndsItself = true;
        var group = test.Group;
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var running = group.RunAsync(group[1], async _ =>
        {
            await release.Task;
            return 7;
        });
        await group.RunAsync(group[1], async _ => { }); // Behind it: it runs.
        var end = group.ShutdownAsync(Timeout.InfiniteTimeSpan);
        GroupTest.Await(() => Refuses(group[1]), "The group takes calls.");
        Assert.False(end.IsCompleted);
        release.SetResult();
        await end.WaitAsync(Guard);
        Assert.Equal(7, await running);
        Assert.All(group.Loops, loop => Assert.True(loop.IsClosed));
        Assert.True(group.Completion.IsCompletedSuccessfully);

        // Again, in every way.
        await group.ShutdownAsync(TimeSpan.Zero);
        await group.DisposeAsync();
        group.Dispose();

        bool Refuses(EventLoop loop)
        {
            try
            {
                group.RunAsync(loop, async _ => { }).GetAwaiter().GetResult();
                return false;
            }
            catch (InvalidOperationException exception)
            {
                return exception.Message.Contains("being shut down", StringComparison.Ordinal);
            }
        }
    });

    [Fact]
    public void After_the_grace_what_is_left_is_cancelled() => GroupTest.Run(2, async test =>
    {
        test.EndsItself = true;
        var cleanedUp = 0;
        using var started = new CountdownEvent(2);
        var all = test.Group.RunOnAllAsync(async Coroutine (_) =>
        {
            try
            {
                started.Signal();
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                await Coroutine.Yield();
                Interlocked.Increment(ref cleanedUp);
            }
        });
        LoopTest.Await(started.WaitHandle);
        await test.Group.ShutdownAsync(TimeSpan.FromMilliseconds(1)).WaitAsync(Guard);
        Assert.Equal(2, cleanedUp);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => all);
        Assert.Throws<ArgumentOutOfRangeException>(() => { test.Group.ShutdownAsync(TimeSpan.FromSeconds(-2)); });
    });

    [Fact]
    public void The_group_cannot_be_ended_on_its_own_threads() => GroupTest.Run(2, async test =>
    {
        await test.Group.RunOnAllAsync(async _ =>
        {
            Assert.Contains("own", Assert.Throws<InvalidOperationException>(test.Group.Dispose).Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await test.Group.DisposeAsync());
            Assert.Throws<InvalidOperationException>(() => { test.Group.ShutdownAsync(TimeSpan.Zero); });
        });
    });

    [Fact]
    public void A_task_that_does_not_heed_its_cancellation_is_told_of() => GroupTest.Run(2, async test =>
    {
        test.EndsItself = true;
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var started = new ManualResetEvent(false);
        var deaf = test.Group.RunAsync(test.Group[1], async _ =>
        {
            started.Set();
            while (!release.Task.IsCompleted)
            {
                try
                {
                    await release.Task;
                }
                catch (CancelledException)
                {
                }
            }
        });
        LoopTest.Await(started);
        var failure = await Assert.ThrowsAsync<AggregateException>(() => test.Group.ShutdownAsync(TimeSpan.Zero, TimeSpan.FromMilliseconds(1)));
        Assert.Contains(failure.InnerExceptions, inner => inner is TimeoutException && inner.Message.Contains("'group-1' did not end", StringComparison.Ordinal));
        release.SetResult();
        await test.Group.ShutdownAsync(TimeSpan.Zero).WaitAsync(Guard);
        await Record.ExceptionAsync(() => deaf);
    });

    [Fact]
    public void A_loop_that_fails_is_reported_and_the_others_go_on() => LoopTest.OnThread(() =>
    {
        var reports = new List<LoopExceptionContext>();
        var fails = false;
        var group = EventLoopGroup.Start(new EventLoopGroupOptions
        {
            Count = 2,
            Name = "partly",
            ConfigureLoop = (index, loop) => loop.Driver = new VirtualDriver
            {
                Polling = _ =>
                {
                    if (index == 1 && Volatile.Read(ref fails))
                    {
                        throw new IOException("broken");
                    }
                },
            },
            ExceptionHandler = (_, report) => reports.Add(report),
        });
        var waiting = group.RunAsync(group[1], async _ => await Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        group[1].Invoke(() => { });
        Volatile.Write(ref fails, true);
        group[1].TryCallSoonThreadSafe(static _ => { }, null);
        GroupTest.Await(() => group[1].IsClosed, "The loop did not fail.");
        Assert.Throws<InvalidOperationException>(() => waiting.GetAwaiter().GetResult());
        Assert.Equal("partly-0", group.RunAsync(async loop => loop.Name).GetAwaiter().GetResult());
        Assert.Equal("partly-0", group.RunAsync(async loop => loop.Name).GetAwaiter().GetResult());
        var failure = Assert.Throws<AggregateException>(() => group.ShutdownAsync(TimeSpan.Zero).GetAwaiter().GetResult());
        Assert.Equal("broken", Assert.IsType<IOException>(Assert.Single(failure.InnerExceptions)).Message);
        Assert.Throws<IOException>(() => group.Completion.GetAwaiter().GetResult());
        group.Dispose();
        Assert.Contains(reports, report => report.Message == "Event loop thread 'partly-1' failed" && report.Exception is IOException);
    });

    private static async Task Close(EventLoop loop)
    {
        loop.CallSoonThreadSafe(() =>
        {
            foreach (var task in loop.AllTasks())
            {
                task.Cancel();
            }
        });
        GroupTest.Await(() => loop.IsClosed, "The loop does not close.");
        await Task.CompletedTask;
    }
}

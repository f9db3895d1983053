using System.Collections.Concurrent;

namespace Baton.Tests.Synchronization;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>Items between loops and threads: order, back-pressure, ends, cancellations.</summary>
public class CrossLoopChannelTests
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(60);

    [Fact]
    public void Items_of_a_writer_on_another_loop_arrive_in_order() => GroupTest.RunBeside(1, async test =>
    {
        const int Items = 5000;
        var channel = new CrossLoopChannel<int>(16);
        var writer = Coroutine.Start(test.Group.InvokeAsync(async _ =>
        {
            for (var i = 0; i < Items; i++)
            {
                await channel.WriteAsync(i);
            }

            Assert.True(channel.TryComplete());
            Assert.False(channel.TryComplete());
        }));
        var next = 0;
        await foreach (var item in channel)
        {
            Assert.Equal(next++, item);
            Assert.InRange(channel.Count, 0, 16);
        }

        Assert.Equal(Items, next);
        await writer;
        Assert.True(channel.IsCompleted);
        Assert.Throws<EndOfChannelException>(() => channel.TryRead(out _));
        await Assert.ThrowsAsync<EndOfChannelException>(async () => await channel.ReadAsync());
        await Assert.ThrowsAsync<BrokenChannelException>(async () => await channel.WriteAsync(1));
        Assert.Throws<BrokenChannelException>(() => channel.TryWrite(1));
        Assert.Equal("cross-loop channel (0 of 16 items, completed)", channel.ToString());
    });

    [Fact]
    public void Many_writers_and_readers_on_loops_and_threads_lose_nothing_and_keep_the_order_of_each() => GroupTest.Run(3, async test =>
    {
        const int Items = 3000;
        var channel = new CrossLoopChannel<(int Writer, int Number)>(4);
        var received = new ConcurrentBag<List<(int Writer, int Number)>>();
        var readers = test.Group.RunOnAllAsync(async _ =>
        {
            var mine = new List<(int Writer, int Number)>();
            received.Add(mine);
            await foreach (var item in channel)
            {
                mine.Add(item);
            }
        });
        var onLoops = Enumerable.Range(0, 3).Select(writer => test.Group.RunAsync(test.Group[writer], _ => Write(writer))).ToList();
        var onThreads = Enumerable.Range(3, 2).Select(writer => Task.Run(async () =>
        {
            for (var i = 0; i < Items; i++)
            {
                await channel.WriteAsync((writer, i));
            }
        })).ToList();
        await Task.WhenAll(onLoops.Concat(onThreads));
        channel.TryComplete();
        await readers;
        Assert.Equal(5 * Items, received.Sum(mine => mine.Count));
        Assert.Equal(5 * Items, received.SelectMany(mine => mine).Distinct().Count());
        foreach (var mine in received)
        {
            Assert.All(mine.GroupBy(item => item.Writer), items => Assert.Equal(items.Select(item => item.Number).Order(), items.Select(item => item.Number)));
        }

        async Coroutine Write(int writer)
        {
            for (var i = 0; i < Items; i++)
            {
                await channel.WriteAsync((writer, i));
            }
        }
    });

    [Fact]
    public void Who_finds_no_room_waits_and_is_let_in_first_come_first() => LoopTest.Run(async () =>
    {
        var channel = new CrossLoopChannel<int>(2);
        Assert.Equal(2, channel.Capacity);
        Assert.Throws<ArgumentOutOfRangeException>(() => new CrossLoopChannel<int>(0));
        Assert.True(channel.TryWrite(0));
        await channel.WriteAsync(1);
        Assert.False(channel.TryWrite(9));
        var second = Coroutine.Start(Write(2));
        var third = Coroutine.Start(Write(3));
        await Coroutine.Yield();
        Assert.Equal(2, channel.Count);
        Assert.True(channel.TryRead(out var item));
        Assert.Equal(0, item);
        Assert.False(channel.TryWrite(9)); // The second is in.
        Assert.Equal(1, await channel.ReadAsync());
        await second;
        await third;
        Assert.Equal(2, await channel.ReadAsync());
        Assert.Equal(3, await channel.ReadAsync());
        Assert.False(channel.TryRead(out _));

        async Coroutine Write(int item) => await channel.WriteAsync(item);
    });

    [Fact]
    public void A_thread_without_a_loop_waits_for_room_too() => LoopTest.OnThread(() =>
    {
        var channel = new CrossLoopChannel<int>(1);
        Assert.True(channel.WriteAsync(1).IsCompletedSuccessfully);
        var write = channel.WriteAsync(2).AsTask();
        Assert.False(write.IsCompleted);
        Assert.True(channel.TryRead(out var item));
        Assert.Equal(1, item);
        Assert.True(write.Wait(Guard));
        using var source = new CancellationTokenSource();
        var cancelled = channel.WriteAsync(3, source.Token).AsTask();
        source.Cancel();
        Assert.Equal(source.Token, Assert.ThrowsAny<OperationCanceledException>(() => cancelled.GetAwaiter().GetResult()).CancellationToken);
        Assert.True(channel.WriteAsync(4, source.Token).IsCanceled);
        var broken = channel.WriteAsync(5).AsTask();
        channel.TryComplete();
        Assert.Throws<BrokenChannelException>(() => broken.GetAwaiter().GetResult());
        Assert.True(channel.TryRead(out item));
        Assert.Equal(2, item);
        Assert.Throws<EndOfChannelException>(() => channel.TryRead(out _));
        Assert.Throws<InvalidOperationException>(() => { _ = channel.ReadAsync(); });
    });

    [Fact]
    public void A_reader_is_woken_once_for_what_comes_while_it_is_idle() => LoopTest.On(options => options.Debug = false, test =>
    {
        var channel = new CrossLoopChannel<int>(1000);
        using var sleeping = new AutoResetEvent(false);
        using var written = new ManualResetEvent(false);
        test.Driver.Waiting = () => sleeping.Set();
        using (LoopTest.StartThread(() =>
        {
            for (var burst = 0; burst < 3; burst++)
            {
                LoopTest.Await(sleeping);
                channel.TryWrite(0);
                for (var i = 1; i < 100; i++)
                {
                    channel.TryWrite(i);
                }

                written.Set();
            }
        }))
        {
            test.Loop.RunUntilComplete(Read());
        }

        Assert.Equal(3, test.Driver.Wakes);

        async Coroutine Read()
        {
            for (var burst = 0; burst < 3; burst++)
            {
                for (var i = 0; i < 100; i++)
                {
                    Assert.Equal(i, await channel.ReadAsync());
                    LoopTest.Await(written); // The loop is busy meanwhile: nothing of the rest wakes it.
                }

                written.Reset();
            }
        }
    });

    [Fact]
    public void A_failure_comes_after_what_is_left() => LoopTest.Run(async () =>
    {
        var channel = new CrossLoopChannel<int>(4);
        await channel.WriteAsync(1);
        var failure = new IOException("source");
        channel.TryComplete(failure);
        var seen = new List<int>();
        Assert.Same(failure, await Assert.ThrowsAsync<IOException>(async () =>
        {
            await foreach (var item in channel)
            {
                seen.Add(item);
            }
        }));
        Assert.Equal([1], seen);
        Assert.Throws<IOException>(() => channel.TryRead(out _));
    });

    [Fact]
    public void Completing_wakes_everybody_who_waits() => LoopTest.Run(async () =>
    {
        var channel = new CrossLoopChannel<int>(1);
        var readers = Enumerable.Range(0, 3).Select(_ => Coroutine.Start(Read())).ToList();
        await Coroutine.Yield();
        channel.TryComplete();
        foreach (var reader in readers)
        {
            await Assert.ThrowsAsync<EndOfChannelException>(async () => await reader);
        }

        channel = new CrossLoopChannel<int>(1);
        await channel.WriteAsync(0);
        var writers = Enumerable.Range(0, 3).Select(_ => Coroutine.Start(Write())).ToList();
        await Coroutine.Yield();
        channel.TryComplete();
        foreach (var writer in writers)
        {
            await Assert.ThrowsAsync<BrokenChannelException>(async () => await writer);
        }

        Assert.Equal(0, await channel.ReadAsync());

        async Coroutine<int> Read() => await channel.ReadAsync();

        async Coroutine Write() => await channel.WriteAsync(1);
    });

    [Fact]
    public void A_cancelled_wait_takes_nothing_and_puts_nothing() => LoopTest.Run(async () =>
    {
        var channel = new CrossLoopChannel<int>(1);
        var first = Coroutine.Start(Read());
        var second = Coroutine.Start(Read());
        await Coroutine.Yield();
        first.Cancel();
        await NetTest.AssertCancelled(first);
        channel.TryWrite(1);
        Assert.Equal(1, await second);

        channel.TryWrite(2);
        var third = Coroutine.Start(Write(3));
        var fourth = Coroutine.Start(Write(4));
        await Coroutine.Yield();
        third.Cancel();
        await NetTest.AssertCancelled(third);
        Assert.Equal(2, await channel.ReadAsync());
        await fourth;
        Assert.Equal(4, await channel.ReadAsync());
        Assert.Equal(0, channel.Count);

        async Coroutine<int> Read() => await channel.ReadAsync();

        async Coroutine Write(int item) => await channel.WriteAsync(item);
    });

    [Fact]
    public void An_item_that_was_handed_over_before_the_cancellation_is_the_tasks() => LoopTest.Run(async () =>
    {
        var channel = new CrossLoopChannel<int>(1);
        var got = 0;
        var reader = Coroutine.Start(Read());
        await Coroutine.Yield();
        Assert.True(channel.TryWrite(7));
        reader.Cancel();
        await NetTest.AssertCancelled(reader);
        Assert.Equal(7, got);
        Assert.Equal(0, channel.Count);

        async Coroutine Read()
        {
            got = await channel.ReadAsync();
            await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
        }
    });

    [Fact]
    public void A_token_ends_a_wait_and_an_enumeration_from_any_thread() => LoopTest.Run(async () =>
    {
        var channel = new CrossLoopChannel<int>(1);
        using var source = new CancellationTokenSource();
        var token = CancellationToken.None;
        var read = Coroutine.Start(Read());
        var enumeration = Coroutine.Start(Enumerate());
        await Coroutine.Yield();
        LoopTest.StartThread(source.Cancel).Join();
        await NetTest.AssertCancelled(read);
        await NetTest.AssertCancelled(enumeration);
        Assert.Equal(source.Token, token);
        channel.TryWrite(1);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await channel.ReadAsync(source.Token));
        Assert.Equal(1, await channel.ReadAsync());

        // On the loop's own thread, for a writer.
        using var other = new CancellationTokenSource();
        channel.TryWrite(2);
        var write = Coroutine.Start(Write());
        await Coroutine.Yield();
        await other.CancelAsync();
        await NetTest.AssertCancelled(write);
        Assert.Equal(2, await channel.ReadAsync());
        Assert.False(channel.TryRead(out _));

        async Coroutine Read()
        {
            try
            {
                await channel.ReadAsync(source.Token);
            }
            catch (OperationCanceledException exception)
            {
                token = exception.CancellationToken;
                throw;
            }
        }

        async Coroutine Write() => await channel.WriteAsync(3, other.Token);

        async Coroutine Enumerate()
        {
            await foreach (var item in channel.WithCancellation(source.Token))
            {
                Assert.Fail($"{item}");
            }
        }
    });

    [Fact]
    public void Cancellations_in_the_middle_of_traffic_lose_nothing() => GroupTest.RunBeside(1, async test =>
    {
        const int Items = 1000;
        var written = 0;
        var channel = new CrossLoopChannel<int>(2);
        var writer = Coroutine.Start(test.Group.InvokeAsync(async _ =>
        {
            while (written < Items)
            {
                var write = Coroutine.Start(Write(written));
                await Coroutine.Yield();
                write.Cancel();
                await Record.ExceptionAsync(async () => await write);
            }

            channel.TryComplete();
        }));
        var received = new List<int>();
        var isEnded = false;
        while (!isEnded)
        {
            var read = Coroutine.Start(Read());
            await Coroutine.Yield();
            read.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await read);
        }

        await writer;
        Assert.Equal(Enumerable.Range(0, Items), received);

        async Coroutine Write(int item)
        {
            await channel.WriteAsync(item);
            written++;
        }

        async Coroutine Read()
        {
            try
            {
                received.Add(await channel.ReadAsync());
            }
            catch (EndOfChannelException)
            {
                isEnded = true;
            }

            await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
        }
    });

    [Fact]
    public void What_was_on_its_way_to_a_loop_that_closes_goes_back_to_the_front() => LoopTest.OnThread(() =>
    {
        var channel = new CrossLoopChannel<int>(2);
        LoopTest.On(test =>
        {
            test.AllowLeftovers = true;
            test.Loop.CreateTask(Read());
            test.RunIterations(2);
            Assert.True(channel.TryWrite(1));
            Assert.True(channel.TryWrite(2));
            Assert.Equal(1, channel.Count);
            test.Loop.Dispose();
            Assert.Contains("had not ended", test.TakeReport().Message, StringComparison.Ordinal);
        });
        Assert.True(channel.TryRead(out var item));
        Assert.Equal(1, item);
        Assert.True(channel.TryRead(out item));
        Assert.Equal(2, item);

        async Coroutine Read() => await channel.ReadAsync();
    });

    [Fact]
    public void One_who_waits_on_a_loop_that_has_closed_is_passed_over() => LoopTest.OnThread(() =>
    {
        var channel = new CrossLoopChannel<int>(2);
        LoopTest.On(test =>
        {
            test.AllowLeftovers = true;
            test.Loop.CreateTask(Read());
            test.RunIterations(2);
            test.Loop.Dispose();
            test.TakeReport();
        });
        Assert.True(channel.TryWrite(1));
        Assert.Equal(1, channel.Count);

        async Coroutine Read() => await channel.ReadAsync();
    });

    [Fact]
    public void A_task_whose_items_are_always_there_lets_others_run() => LoopTest.Run(async () =>
    {
        var channel = new CrossLoopChannel<int>(1);
        var others = 0;
        var other = Coroutine.Start(Count());
        for (var i = 0; i < 1000; i++)
        {
            await channel.WriteAsync(i);
            Assert.Equal(i, await channel.ReadAsync());
        }

        Assert.InRange(others, 5, 1000);
        other.Cancel();
        await NetTest.AssertCancelled(other);

        async Coroutine Count()
        {
            while (true)
            {
                others++;
                await Coroutine.Yield();
            }
        }
    });

    [Fact]
    public void Waiting_allocates_nothing_in_the_long_run() => LoopTest.Run(async () =>
    {
        // Each waits for the other at every item.
        var forth = new CrossLoopChannel<int>(1);
        var back = new CrossLoopChannel<int>(1);
        var echo = Coroutine.Start(Echo());
        long before = 0;
        for (var i = 0; i < 2000; i++)
        {
            if (i == 1000)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            await forth.WriteAsync(i);
            if (await back.ReadAsync() != i)
            {
                Assert.Fail("Another item came back.");
            }
        }

        Assert.InRange((GC.GetAllocatedBytesForCurrentThread() - before) / 1000, 0, 16); // The driver notes each poll.
        forth.TryComplete();
        await Assert.ThrowsAsync<EndOfChannelException>(async () => await echo);

        async Coroutine Echo()
        {
            while (true)
            {
                await back.WriteAsync(await forth.ReadAsync());
            }
        }
    });

    [Fact]
    public void A_task_that_waits_says_for_what() => LoopTest.Run(async test =>
    {
        var channel = new CrossLoopChannel<int>(3);
        var reader = Coroutine.Start(Read());
        await Coroutine.Yield();
        Assert.Contains("ReadAsync of cross-loop channel (0 of 3 items)", test.Loop.FormatTasks(), StringComparison.Ordinal);
        reader.Cancel();
        await NetTest.AssertCancelled(reader);

        async Coroutine Read() => await channel.ReadAsync();
    });
}

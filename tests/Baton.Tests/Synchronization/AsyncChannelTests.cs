namespace Baton.Tests.Synchronization;

public class AsyncChannelTests
{
    [Fact]
    public void Items_arrive_in_order_up_to_the_capacity() => LoopTest.Run(async test =>
    {
        var (sender, receiver) = AsyncChannel.Create<int>(2);
        Assert.False(receiver.TryReceive(out _));
        await sender.SendAsync(1);
        Assert.True(sender.TrySend(2));
        Assert.False(sender.TrySend(3));
        var third = sender.SendAsync(3);
        Assert.False(third.IsCompleted);
        Assert.Equal(new ChannelStatistics(2, 2, 1, 1, 1, 0), sender.Statistics);
        Assert.Equal(1, await receiver.ReceiveAsync());
        Assert.False(sender.TrySend(4)); // The room is the waiting one's.
        await third;
        Assert.True(receiver.TryReceive(out var second));
        Assert.Equal(2, second);
        Assert.Equal(3, await receiver.ReceiveAsync());
        var waiting = receiver.ReceiveAsync();
        Assert.Equal(1, receiver.Statistics.WaitingReceivers);
        await sender.SendAsync(4);
        Assert.False(receiver.TryReceive(out _)); // It is the waiting one's.
        Assert.Equal(4, await waiting);
        sender.Dispose();
        receiver.Dispose();
    });

    [Fact]
    public void Without_a_capacity_sending_waits_until_the_item_has_been_received() => LoopTest.Run(async test =>
    {
        var (sender, receiver) = AsyncChannel.Create<string>(0);
        Assert.False(sender.TrySend("nobody receives"));
        var first = sender.SendAsync("first");
        Assert.False(first.IsCompleted);
        Assert.Equal(0, sender.Statistics.Count);
        Assert.Equal("first", await receiver.ReceiveAsync());
        await first;
        var second = sender.SendAsync("second");
        Assert.True(receiver.TryReceive(out var item));
        Assert.Equal("second", item);
        await second;
        var waiting = receiver.ReceiveAsync();
        Assert.True(sender.TrySend("third"));
        Assert.Equal("third", await waiting);
        waiting = receiver.ReceiveAsync();
        Assert.True(sender.SendAsync("fourth").IsCompletedSuccessfully);
        Assert.Equal("fourth", await waiting);
        sender.Dispose();
        receiver.Dispose();
        Assert.Throws<ArgumentOutOfRangeException>(() => AsyncChannel.Create<int>(-1));
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(10)]
    public void When_the_last_sender_is_disposed_of_receivers_get_the_rest_and_the_end(int capacity) => LoopTest.Run(async test =>
    {
        var (sender, receiver) = AsyncChannel.Create<int>(capacity);
        var other = sender.Clone();
        var producers = new[] { test.Loop.CreateTask(Produce(sender, 0)), test.Loop.CreateTask(Produce(other, 100)) };
        var items = new List<int>();
        using (receiver)
        {
            await foreach (var item in receiver)
            {
                items.Add(item);
            }

            Assert.Equal(Enumerable.Range(0, 5).Concat(Enumerable.Range(100, 5)), items.Order());
            await Assert.ThrowsAsync<EndOfChannelException>(async () => await receiver.ReceiveAsync());
            Assert.Throws<EndOfChannelException>(() => receiver.TryReceive(out _));
            await foreach (var item in receiver)
            {
                Assert.Fail("It has ended.");
            }
        }

        Assert.All(producers, producer => producer.GetResult());

        static async Coroutine Produce(ChannelSender<int> sender, int start)
        {
            using (sender)
            {
                for (var i = 0; i < 5; i++)
                {
                    await sender.SendAsync(start + i);
                }
            }
        }
    });

    [Fact]
    public void The_end_wakes_all_who_wait_for_an_item() => LoopTest.Run(async test =>
    {
        var (sender, receiver) = AsyncChannel.Create<int>(1);
        using var other = receiver.Clone();
        var tasks = new[] { test.Loop.CreateTask(Receive(receiver)), test.Loop.CreateTask(Receive(other)) };
        await Coroutine.Yield();
        sender.Dispose();
        sender.Dispose();
        foreach (var task in tasks)
        {
            await Assert.ThrowsAsync<EndOfChannelException>(async () => await task);
        }

        receiver.Dispose();
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void When_the_last_receiver_is_disposed_of_sending_throws(int capacity) => LoopTest.Run(async test =>
    {
        var (sender, receiver) = AsyncChannel.Create<int>(capacity);
        var other = receiver.Clone();
        Assert.Equal(capacity == 1, sender.TrySend(1));
        var task = test.Loop.CreateTask(Send(sender, 2));
        await Coroutine.Yield();
        receiver.Dispose();
        receiver.Dispose();
        Assert.Equal(1, sender.Statistics.WaitingSenders);
        other.Dispose();
        await Assert.ThrowsAsync<BrokenChannelException>(async () => await task);
        await Assert.ThrowsAsync<BrokenChannelException>(async () => await sender.SendAsync(3));
        Assert.Throws<BrokenChannelException>(() => sender.TrySend(3));
        Assert.Equal(new ChannelStatistics(0, capacity, 1, 0, 0, 0), sender.Statistics);
        sender.Dispose();
    });

    [Fact]
    public void A_half_that_was_disposed_of_says_so_and_ends_its_own_waits_only() => LoopTest.Run(async test =>
    {
        var (sender, receiver) = AsyncChannel.Create<int>(0);
        var otherSender = sender.Clone();
        var first = test.Loop.CreateTask(Send(sender, 1));
        var second = test.Loop.CreateTask(Send(otherSender, 2));
        var third = test.Loop.CreateTask(Send(sender, 3));
        await Coroutine.Yield();
        sender.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await first);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await third);
        Assert.Equal(2, await receiver.ReceiveAsync());
        await second;
        Assert.Throws<ObjectDisposedException>(() => sender.TrySend(1));
        Assert.Throws<ObjectDisposedException>(() => sender.Clone());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await sender.SendAsync(1));

        var otherReceiver = receiver.Clone();
        var fourth = test.Loop.CreateTask(Receive(receiver));
        var fifth = test.Loop.CreateTask(Receive(otherReceiver));
        await Coroutine.Yield();
        receiver.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await fourth);
        await otherSender.SendAsync(5);
        Assert.Equal(5, await fifth);
        Assert.Throws<ObjectDisposedException>(() => receiver.TryReceive(out _));
        Assert.Throws<ObjectDisposedException>(() => receiver.Clone());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await receiver.ReceiveAsync());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await receiver.GetAsyncEnumerator().MoveNextAsync());
        otherSender.Dispose();
        otherReceiver.Dispose();
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Waits_that_are_cancelled_send_and_receive_nothing(int capacity) => LoopTest.Run(async test =>
    {
        var (sender, receiver) = AsyncChannel.Create<int>(capacity);
        var receivers = Enumerable.Range(0, 2).Select(_ => test.Loop.CreateTask(Receive(receiver))).ToList();
        await Coroutine.Yield();
        receivers[0].Cancel("why");
        await sender.SendAsync(1);
        Assert.Equal(1, await receivers[1]);
        Assert.Equal("why", (await Assert.ThrowsAsync<CancelledException>(async () => await receivers[0])).Message);

        var senders = Enumerable.Range(10, capacity + 2).Select(i => test.Loop.CreateTask(Send(sender, i))).ToList();
        await Coroutine.Yield();
        senders[capacity].Cancel();
        for (var i = 0; i < capacity; i++)
        {
            Assert.Equal(10 + i, await receiver.ReceiveAsync());
        }

        Assert.Equal(11 + capacity, await receiver.ReceiveAsync());
        Assert.Equal(0, sender.Statistics.WaitingSenders);
        await test.Drain();
        Assert.True(senders[capacity].IsCancelled);
        sender.Dispose();
        receiver.Dispose();
    });

    [Fact]
    public void A_cancel_after_the_hand_over_arrives_at_the_next_suspension() => LoopTest.Run(async test =>
    {
        var (sender, receiver) = AsyncChannel.Create<int>(0);
        var log = new List<string>();
        var receiving = test.Loop.CreateTask(ReceiveAndYield());
        await Coroutine.Yield();
        await sender.SendAsync(1);
        receiving.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await receiving);

        var sending = test.Loop.CreateTask(SendAndYield());
        await Coroutine.Yield();
        Assert.Equal(2, await receiver.ReceiveAsync());
        sending.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await sending);
        Assert.Equal(["received 1", "sent"], log);
        sender.Dispose();
        receiver.Dispose();

        async Coroutine ReceiveAndYield()
        {
            log.Add($"received {await receiver.ReceiveAsync()}");
            await Coroutine.Yield();
            log.Add("never");
        }

        async Coroutine SendAndYield()
        {
            await sender.SendAsync(2);
            log.Add("sent");
            await Coroutine.Yield();
            log.Add("never");
        }
    });

    [Fact]
    public void Several_receivers_share_the_items_first_come_first() => LoopTest.Run(async test =>
    {
        var (sender, receiver) = AsyncChannel.Create<int>(1);
        var log = new List<string>();
        var names = new[] { "a", "b", "c" };
        var tasks = names.Select(name => test.Loop.CreateTask(Consume(name, receiver.Clone()))).ToList();
        receiver.Dispose();
        await Coroutine.Yield();
        for (var i = 0; i < 6; i++)
        {
            await sender.SendAsync(i);
            await Coroutine.Sleep(TimeSpan.FromSeconds(1));
        }

        sender.Dispose();
        await test.Drain();
        Assert.All(tasks, task => task.GetResult());
        Assert.Equal(["a0", "b1", "c2", "a3", "b4", "c5"], log);

        async Coroutine Consume(string name, ChannelReceiver<int> items)
        {
            using (items)
            {
                await foreach (var item in items)
                {
                    log.Add($"{name}{item}");
                }
            }
        }
    });

    [Fact]
    public void Enumerating_ends_when_the_token_is_cancelled() => LoopTest.Run(async test =>
    {
        using var source = new CancellationTokenSource();
        var (sender, receiver) = AsyncChannel.Create<int>(0);
        var task = test.Loop.CreateTask(Enumerate());
        await Coroutine.Yield();
        await sender.SendAsync(1);
        await Coroutine.Sleep(TimeSpan.FromSeconds(1));
        LoopTest.OnThread(source.Cancel);
        var failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await task);
        Assert.Equal(source.Token, failure.CancellationToken);
        Assert.Equal(0, receiver.Statistics.WaitingReceivers);
        sender.Dispose();
        receiver.Dispose();

        async Coroutine Enumerate()
        {
            await foreach (var item in receiver.WithCancellation(source.Token))
            {
                Assert.Equal(1, item);
            }
        }
    });

    [Fact]
    public void Halves_may_be_disposed_of_after_the_loop_has_closed()
    {
        var (sender, receiver) = AsyncChannel.Create<int>(1);
        LoopTest.Run(async test =>
        {
            await sender.SendAsync(1);
            _ = sender.SendAsync(2).AsTask();
        });
        sender.Dispose();
        receiver.Dispose();
        Assert.Equal("disposed sender of channel (0 of 1 items, 0 senders, 0 receivers, 0 sending, 0 receiving)", sender.ToString());
        Assert.StartsWith("disposed receiver of channel", receiver.ToString(), StringComparison.Ordinal);
    }

    private static async Coroutine Send(ChannelSender<int> sender, int item) => await sender.SendAsync(item);

    private static async Coroutine<int> Receive(ChannelReceiver<int> receiver) => await receiver.ReceiveAsync();
}

namespace Baton.Tests.Synchronization;

/// <summary>Random senders and receivers of a channel, against two lists, and the ways in which a channel ends.</summary>
public class ChannelPropertyTests
{
    private enum Kind
    {
        Send,
        SendLater,
        TrySend,
        Receive,
        ReceiveLater,
        TryReceive,
        Cancel,
        CancelLater,
        Yield,
        Sleep,
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void A_channel_behaves_like_a_queue_of_what_was_sent_and_one_of_who_receives(int capacity) => Scripts.Check<Kind>(
        (test, script) => new Model(test, capacity).Run(script),
        (6, Kind.Send),
        (3, Kind.SendLater),
        (2, Kind.TrySend),
        (6, Kind.Receive),
        (3, Kind.ReceiveLater),
        (2, Kind.TryReceive),
        (3, Kind.Cancel),
        (2, Kind.CancelLater),
        (5, Kind.Yield),
        (1, Kind.Sleep));

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void However_producers_and_consumers_end_nobody_is_left_and_every_item_is_accounted_for(int capacity) => Scripts.Check<Kind>(
        (test, script) => RunPipeline(test, script, capacity),
        (6, Kind.Send),
        (3, Kind.SendLater),
        (6, Kind.Receive),
        (3, Kind.ReceiveLater),
        (3, Kind.Cancel),
        (3, Kind.CancelLater),
        (4, Kind.Yield),
        (1, Kind.Sleep));

    private static async Coroutine RunPipeline(LoopTest test, Step<Kind>[] script, int capacity)
    {
        var (sender, receiver) = AsyncChannel.Create<int>(capacity);
        int sent = 0, received = 0;
        var tasks = new List<LoopTask>();
        foreach (var step in script)
        {
            var live = tasks.Where(task => !task.IsDone).ToList();
            switch (step.Kind)
            {
                case Kind.Send or Kind.SendLater:
                    tasks.Add(test.Loop.CreateTask(Produce(sender.Clone(), step.Amount * 3), eager: true));
                    break;
                case Kind.Receive or Kind.ReceiveLater:
                    var amount = step.Kind == Kind.Receive ? int.MaxValue : step.Amount;
                    tasks.Add(test.Loop.CreateTask(Consume(receiver.Clone(), amount), eager: true));
                    break;
                case Kind.Cancel when live.Count > 0:
                    live[step.Index % live.Count].Cancel();
                    break;
                case Kind.CancelLater when live.Count > 0:
                    var late = live[step.Index % live.Count];
                    test.Loop.CallLater(TimeSpan.FromSeconds(step.Amount), () => late.Cancel());
                    break;
                case Kind.Yield:
                    await Coroutine.Yield();
                    break;
                case Kind.Sleep:
                    await Coroutine.Sleep(TimeSpan.FromSeconds(step.Amount));
                    break;
            }
        }

        // The end: no more senders than there are, then what is left is taken out here.
        sender.Dispose();
        await foreach (var item in receiver)
        {
            received++;
        }

        receiver.Dispose();
        await Coroutine.Sleep(TimeSpan.FromSeconds(10));
        Assert.All(tasks, task => Assert.True(task.IsDone));
        Assert.Equal(new ChannelStatistics(0, capacity, 0, 0, 0, 0), sender.Statistics);
        Assert.Equal(sent, received);

        async Coroutine Produce(ChannelSender<int> items, int count)
        {
            using (items)
            {
                for (var i = 0; i < count; i++)
                {
                    await items.SendAsync(i);
                    sent++;
                }
            }
        }

        async Coroutine Consume(ChannelReceiver<int> items, int count)
        {
            using (items)
            {
                await foreach (var item in items)
                {
                    received++;
                    if (--count <= 0)
                    {
                        break;
                    }
                }
            }
        }
    }

    private sealed class Actor(int item)
    {
        public LoopTask Task { get; set; } = null!;

        public int Item { get; set; } = item;

        public bool Runs { get; set; }

        public bool IsServed { get; set; }

        public bool Waits { get; set; }
    }

    private sealed class Model(LoopTest test, int capacity)
    {
        private readonly (ChannelSender<int> Sender, ChannelReceiver<int> Receiver) _channel = AsyncChannel.Create<int>(capacity);
        private readonly List<int> _items = [];
        private readonly List<Actor> _senders = [];
        private readonly List<Actor> _receivers = [];
        private readonly List<Actor> _all = [];
        private readonly Queue<Actor> _served = new(); // and not run since
        private int _number;

        public async Coroutine Run(Step<Kind>[] script)
        {
            foreach (var step in script)
            {
                await Do(step);
                Check();
            }

            await Coroutine.Sleep(TimeSpan.FromSeconds(10));
            while (_senders.Count > 0 || _items.Count > 0)
            {
                TryReceive();
                Check();
            }

            while (_receivers.Count > 0)
            {
                TrySend();
                Check();
            }

            await test.Drain();
            Check();
            Assert.All(_all, actor => Assert.True(actor.Task.IsDone));
            _channel.Sender.Dispose();
            _channel.Receiver.Dispose();
        }

        private async Coroutine Do(Step<Kind> step)
        {
            var live = _all.Where(actor => !actor.Task.IsDone).ToList();
            switch (step.Kind)
            {
                case Kind.Send or Kind.SendLater:
                    Start(Send, step.Kind == Kind.Send);
                    break;
                case Kind.Receive or Kind.ReceiveLater:
                    Start(Receive, step.Kind == Kind.Receive);
                    break;
                case Kind.TrySend:
                    TrySend();
                    break;
                case Kind.TryReceive:
                    TryReceive();
                    break;
                case Kind.Cancel when live.Count > 0:
                    Cancel(live[step.Index % live.Count]);
                    break;
                case Kind.CancelLater when live.Count > 0:
                    var late = live[step.Index % live.Count];
                    test.Loop.CallLater(TimeSpan.FromSeconds(step.Amount), () => Cancel(late));
                    break;
                case Kind.Yield:
                    await Coroutine.Yield();
                    break;
                case Kind.Sleep:
                    await Coroutine.Sleep(TimeSpan.FromSeconds(step.Amount));
                    break;
            }
        }

        private void Start(Func<Actor, Coroutine> act, bool eager)
        {
            var actor = new Actor(_number++);
            _all.Add(actor);
            actor.Task = test.Loop.CreateTask(act(actor), eager: eager);
        }

        private async Coroutine Send(Actor actor)
        {
            actor.Runs = true;
            _senders.Add(actor);
            Match();
            actor.Waits = !actor.IsServed;
            await _channel.Sender.SendAsync(actor.Item);
            await Finish(actor);
        }

        private async Coroutine Receive(Actor actor)
        {
            actor.Runs = true;
            _receivers.Add(actor);
            Match();
            actor.Waits = !actor.IsServed;
            var item = await _channel.Receiver.ReceiveAsync();
            Assert.Equal(actor.Item, item);
            await Finish(actor);
        }

        private async Coroutine Finish(Actor actor)
        {
            Assert.True(actor.IsServed);
            if (actor.Waits)
            {
                Assert.Same(actor, _served.Dequeue());
            }

            await Coroutine.Yield(); // where a cancellation that came too late arrives
        }

        private void TrySend()
        {
            var item = _number++;
            var isAccepted = _receivers.Count > 0 || _items.Count < capacity;
            if (isAccepted)
            {
                _items.Add(item);
                Match();
            }

            Assert.Equal(isAccepted, _channel.Sender.TrySend(item));
        }

        private void TryReceive()
        {
            var hasItem = TryTake(out var expected);
            Match();
            Assert.Equal(hasItem, _channel.Receiver.TryReceive(out var item));
            Assert.Equal(expected, item);
        }

        private void Cancel(Actor actor)
        {
            if (actor.Runs)
            {
                _senders.Remove(actor);
                _receivers.Remove(actor);
            }

            actor.Task.Cancel();
        }

        private bool TryTake(out int item)
        {
            item = 0;
            if (_items.Count > 0)
            {
                item = _items[0];
                _items.RemoveAt(0);
                return true;
            }

            if (_senders.Count == 0)
            {
                return false;
            }

            item = _senders[0].Item;
            Serve(_senders);
            return true;
        }

        private void Match()
        {
            while (true)
            {
                if (_senders.Count > 0 && _items.Count < capacity)
                {
                    _items.Add(_senders[0].Item);
                    Serve(_senders);
                }
                else if (_receivers.Count > 0 && TryTake(out var item))
                {
                    _receivers[0].Item = item;
                    Serve(_receivers);
                }
                else
                {
                    return;
                }
            }
        }

        private void Serve(List<Actor> actors)
        {
            var actor = actors[0];
            actors.RemoveAt(0);
            actor.IsServed = true;
            if (actor.Waits)
            {
                _served.Enqueue(actor);
            }
        }

        private void Check() =>
            Assert.Equal(new ChannelStatistics(_items.Count, capacity, 1, 1, _senders.Count, _receivers.Count), _channel.Sender.Statistics);
    }
}

namespace Baton.Tests.Synchronization;

/// <summary>
/// A bounded buffer made of a lock and two conditions, under random cancellations: a lost notification leaves a task waiting for ever.
/// </summary>
public class ConditionPropertyTests
{
    private enum Kind
    {
        Produce,
        Consume,
        Cancel,
        CancelLater,
        Hold,
        Yield,
        Sleep,
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(1, true)]
    [InlineData(3, true)]
    public void No_notification_is_lost_and_no_item(int capacity, bool useWaitFor) => Scripts.Check<Kind>(
        (test, script) => new Buffer(test, capacity, useWaitFor).Run(script),
        (6, Kind.Produce),
        (6, Kind.Consume),
        (4, Kind.Cancel),
        (3, Kind.CancelLater),
        (2, Kind.Hold),
        (4, Kind.Yield),
        (1, Kind.Sleep));

    private sealed class Buffer
    {
        private readonly LoopTest _test;
        private readonly int _capacity;
        private readonly bool _useWaitFor;
        private readonly AsyncLock _mutex = new();
        private readonly AsyncCondition _notEmpty;
        private readonly AsyncCondition _notFull;
        private readonly Queue<int> _items = new();
        private readonly List<LoopTask> _producers = [];
        private readonly List<LoopTask> _consumers = [];
        private int _inside;
        private int _produced;
        private int _consumed;

        public Buffer(LoopTest test, int capacity, bool useWaitFor)
        {
            _test = test;
            _capacity = capacity;
            _useWaitFor = useWaitFor;
            _notEmpty = new AsyncCondition(_mutex);
            _notFull = new AsyncCondition(_mutex);
        }

        public async Coroutine Run(Step<Kind>[] script)
        {
            foreach (var step in script)
            {
                await Do(step);
            }

            // Now nobody is cancelled any more. Whoever can go on has, so either nobody waits for an item or there is none, and the same
            // for room.
            await Coroutine.Sleep(TimeSpan.FromSeconds(100));
            Assert.False(_mutex.IsLocked);
            Assert.Equal(0, _mutex.WaiterCount);
            Assert.True(_notEmpty.WaiterCount == 0 || _items.Count == 0);
            Assert.True(_notFull.WaiterCount == 0 || _items.Count == _capacity);
            Assert.Equal(_consumers.Count(task => !task.IsDone), _notEmpty.WaiterCount);
            Assert.Equal(_producers.Count(task => !task.IsDone), _notFull.WaiterCount);
            Assert.Equal(_produced, _consumed + _items.Count);

            while (_notEmpty.WaiterCount > 0)
            {
                await Produce(0);
                await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            }

            while (_notFull.WaiterCount > 0)
            {
                await Consume(0);
                await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            }

            await _test.Drain();
            Assert.False(_mutex.IsLocked);
        }

        private async Coroutine Do(Step<Kind> step)
        {
            var all = _producers.Concat(_consumers).Where(task => !task.IsDone).ToList();
            switch (step.Kind)
            {
                case Kind.Produce:
                    _producers.Add(_test.Loop.CreateTask(Produce(step.Amount), eager: step.Index % 2 == 0));
                    break;
                case Kind.Consume:
                    _consumers.Add(_test.Loop.CreateTask(Consume(step.Amount), eager: step.Index % 2 == 0));
                    break;
                case Kind.Cancel when all.Count > 0:
                    all[step.Index % all.Count].Cancel();
                    break;
                case Kind.CancelLater when all.Count > 0:
                    var late = all[step.Index % all.Count];
                    _test.Loop.CallLater(TimeSpan.FromSeconds(step.Amount), () => late.Cancel());
                    break;
                case Kind.Hold:
                    using (await _mutex.AcquireAsync())
                    {
                        await Pause(step.Amount);
                    }

                    break;
                case Kind.Yield:
                    await Coroutine.Yield();
                    break;
                case Kind.Sleep:
                    await Coroutine.Sleep(TimeSpan.FromSeconds(step.Amount));
                    break;
            }
        }

        private async Coroutine Produce(int pause)
        {
            using (await _mutex.AcquireAsync())
            {
                await WaitUntil(_notFull, () => _items.Count < _capacity);
                _items.Enqueue(_produced++);
                Assert.InRange(_items.Count, 1, _capacity);
                _notEmpty.Notify();
                await Stay(pause);
            }
        }

        private async Coroutine Consume(int pause)
        {
            using (await _mutex.AcquireAsync())
            {
                await WaitUntil(_notEmpty, () => _items.Count > 0);
                Assert.Equal(_consumed++, _items.Dequeue());
                _notFull.Notify();
                await Stay(pause);
            }
        }

        private async Coroutine WaitUntil(AsyncCondition condition, Func<bool> predicate)
        {
            try
            {
                if (_useWaitFor)
                {
                    await condition.WaitForAsync(predicate);
                    return;
                }

                while (!predicate())
                {
                    await condition.WaitAsync();
                }
            }
            finally
            {
                Assert.True(_mutex.IsLocked);
                Assert.Equal(0, _inside);
            }
        }

        /// <summary>Keeps the lock for a while, alone.</summary>
        private async Coroutine Stay(int pause)
        {
            Assert.Equal(1, ++_inside);
            try
            {
                await Pause(pause);
            }
            finally
            {
                _inside--;
            }
        }

        private static async Coroutine Pause(int trips)
        {
            for (var i = 0; i < trips; i++)
            {
                await Coroutine.Yield();
            }
        }
    }
}

namespace Baton.Tests.Synchronization;

/// <summary>Random tasks that put into and get from a queue, against lists.</summary>
public class QueuePropertyTests
{
    private enum Kind
    {
        Put,
        PutLater,
        TryPut,
        Get,
        GetLater,
        TryGet,
        TaskDone,
        Join,
        Cancel,
        CancelLater,
        Yield,
        Sleep,
        Shutdown,
    }

    [Theory]
    [InlineData(AsyncQueueTests.Flavour.Fifo, 0)]
    [InlineData(AsyncQueueTests.Flavour.Fifo, 1)]
    [InlineData(AsyncQueueTests.Flavour.Fifo, 3)]
    [InlineData(AsyncQueueTests.Flavour.Lifo, 0)]
    [InlineData(AsyncQueueTests.Flavour.Lifo, 2)]
    [InlineData(AsyncQueueTests.Flavour.Priority, 0)]
    [InlineData(AsyncQueueTests.Flavour.Priority, 2)]
    public void A_queue_behaves_like_three_lists(AsyncQueueTests.Flavour flavour, int maxSize) => Scripts.Check<Kind>(
        (test, script) => new Model(test, flavour, maxSize).Run(script),
        (6, Kind.Put),
        (3, Kind.PutLater),
        (2, Kind.TryPut),
        (6, Kind.Get),
        (3, Kind.GetLater),
        (2, Kind.TryGet),
        (6, Kind.TaskDone),
        (1, Kind.Join),
        (3, Kind.Cancel),
        (2, Kind.CancelLater),
        (5, Kind.Yield),
        (1, Kind.Sleep),
        (1, Kind.Shutdown));

    private sealed class Actor(int item)
    {
        public LoopTask Task { get; set; } = null!;

        /// <summary>What it puts, or has been given.</summary>
        public int Item { get; set; } = item;

        public bool Runs { get; set; }

        public bool IsServed { get; set; }

        /// <summary>Whether it has to wait, so that it runs in its turn.</summary>
        public bool Waits { get; set; }

        public bool IsShutOut { get; set; }
    }

    private sealed class Model(LoopTest test, AsyncQueueTests.Flavour flavour, int maxSize)
    {
        private readonly AsyncQueue<int> _queue = AsyncQueueTests.Create(flavour, maxSize);
        private readonly List<int> _items = [];
        private readonly List<Actor> _getters = [];
        private readonly List<Actor> _putters = [];
        private readonly List<Actor> _joiners = [];
        private readonly List<Actor> _all = [];
        private readonly Queue<Actor> _served = new(); // and not run since
        private int _unfinished;
        private int _taken;
        private int _put;
        private int _dropped;
        private bool _isShutDown;

        private bool IsFull => maxSize > 0 && _items.Count >= maxSize;

        public async Coroutine Run(Step<Kind>[] script)
        {
            foreach (var step in script)
            {
                await Do(step);
                Check();
            }

            await Coroutine.Sleep(TimeSpan.FromSeconds(10));

            // Whoever still waits goes on when there is enough of everything.
            while (_putters.Count > 0 || _getters.Count > 0)
            {
                if (_putters.Count > 0)
                {
                    TryGet();
                }
                else
                {
                    TryPut();
                }

                Check();
            }

            while (_unfinished > 0)
            {
                TaskDone();
            }

            await test.Drain();
            Check();
            Assert.All(_all, actor => Assert.True(actor.Task.IsDone));
            Assert.Equal(_put, _taken + _dropped + _items.Count);
        }

        private async Coroutine Do(Step<Kind> step)
        {
            var live = _all.Where(actor => !actor.Task.IsDone).ToList();
            switch (step.Kind)
            {
                case Kind.Put or Kind.PutLater:
                    Start(step.Amount, Put, step.Kind == Kind.Put);
                    break;
                case Kind.Get or Kind.GetLater:
                    Start(0, Get, step.Kind == Kind.Get);
                    break;
                case Kind.Join:
                    Start(0, Join, eager: true);
                    break;
                case Kind.TryPut:
                    TryPut(step.Amount);
                    break;
                case Kind.TryGet:
                    TryGet();
                    break;
                case Kind.TaskDone:
                    TaskDone();
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
                case Kind.Shutdown when step.Index % 4 == 0:
                    Shutdown(immediate: step.Amount % 2 == 0);
                    break;
            }
        }

        private void Start(int item, Func<Actor, Coroutine> act, bool eager)
        {
            var actor = new Actor(item);
            _all.Add(actor);
            actor.Task = test.Loop.CreateTask(act(actor), eager: eager);
        }

        private async Coroutine Put(Actor actor)
        {
            actor.Runs = true;
            actor.IsShutOut = _isShutDown;
            if (!_isShutDown)
            {
                _putters.Add(actor);
                Match();
                actor.Waits = !actor.IsServed;
            }

            await Finish(actor, async () => await _queue.PutAsync(actor.Item));
        }

        private async Coroutine Get(Actor actor)
        {
            actor.Runs = true;
            if (_isShutDown && _items.Count == 0)
            {
                actor.IsShutOut = true;
            }
            else
            {
                _getters.Add(actor);
                Match();
                actor.Waits = !actor.IsServed;
            }

            await Finish(actor, async () =>
            {
                var item = await _queue.GetAsync();
                Assert.Equal(actor.Item, item);
            });
        }

        private async Coroutine Join(Actor actor)
        {
            actor.Runs = true;
            if (_unfinished == 0)
            {
                Serve(actor);
            }
            else
            {
                _joiners.Add(actor);
                actor.Waits = true;
            }

            await Finish(actor, async () => await _queue.JoinAsync());
        }

        private async Coroutine Finish(Actor actor, Func<ValueTask> wait)
        {
            try
            {
                await wait();
            }
            catch (QueueShutDownException)
            {
                Assert.True(actor.IsShutOut);
                return;
            }

            Assert.True(actor.IsServed);
            if (actor.Waits)
            {
                Assert.Same(actor, _served.Dequeue());
            }

            await Coroutine.Yield(); // where a cancellation that came too late arrives
        }

        private void Serve(Actor actor)
        {
            actor.IsServed = true;
            if (actor.Waits)
            {
                _served.Enqueue(actor);
            }
        }

        private void TryPut(int item = 3)
        {
            if (_isShutDown)
            {
                Assert.Throws<QueueShutDownException>(() => _queue.TryPut(item));
                return;
            }

            var hasRoom = !IsFull;
            if (hasRoom)
            {
                Store(item);
                Match();
            }

            Assert.Equal(hasRoom, _queue.TryPut(item));
        }

        private void TryGet()
        {
            if (_items.Count > 0)
            {
                var expected = Take();
                Match();
                Assert.True(_queue.TryGet(out var item));
                Assert.Equal(expected, item);
            }
            else if (_isShutDown)
            {
                Assert.Throws<QueueShutDownException>(() => _queue.TryGet(out _));
            }
            else
            {
                Assert.False(_queue.TryGet(out _));
            }
        }

        private void TaskDone()
        {
            if (_unfinished == 0)
            {
                Assert.Throws<InvalidOperationException>(_queue.TaskDone);
                return;
            }

            FinishOne();
            _queue.TaskDone();
        }

        private void Shutdown(bool immediate)
        {
            _isShutDown = true;
            if (immediate)
            {
                for (; _items.Count > 0; _dropped++)
                {
                    _items.RemoveAt(0);
                    if (_unfinished > 0)
                    {
                        FinishOne();
                    }
                }
            }

            foreach (var actor in _putters.Concat(_getters))
            {
                actor.IsShutOut = true;
            }

            _putters.Clear();
            _getters.Clear();
            _queue.Shutdown(immediate);
        }

        private void Cancel(Actor actor)
        {
            if (actor.Runs)
            {
                _getters.Remove(actor);
                _putters.Remove(actor);
                _joiners.Remove(actor);
            }

            actor.Task.Cancel();
        }

        /// <summary>Lets items in and out, first come first, as long as anything moves.</summary>
        private void Match()
        {
            while (true)
            {
                if (_getters.Count > 0 && _items.Count > 0)
                {
                    var getter = _getters[0];
                    _getters.RemoveAt(0);
                    getter.Item = Take();
                    Serve(getter);
                }
                else if (_putters.Count > 0 && !IsFull)
                {
                    var putter = _putters[0];
                    _putters.RemoveAt(0);
                    Store(putter.Item);
                    Serve(putter);
                }
                else
                {
                    return;
                }
            }
        }

        private void Store(int item)
        {
            _items.Add(item);
            _unfinished++;
            _put++;
        }

        private int Take()
        {
            var index = flavour switch
            {
                AsyncQueueTests.Flavour.Fifo => 0,
                AsyncQueueTests.Flavour.Lifo => _items.Count - 1,
                _ => _items.IndexOf(_items.Min()),
            };
            var item = _items[index];
            _items.RemoveAt(index);
            _taken++;
            return item;
        }

        private void FinishOne()
        {
            if (--_unfinished == 0)
            {
                _joiners.ForEach(Serve);
                _joiners.Clear();
            }
        }

        private void Check()
        {
            Assert.Equal(_items.Count, _queue.Count);
            Assert.Equal(_getters.Count, _queue.GetterCount);
            Assert.Equal(_putters.Count, _queue.PutterCount);
            Assert.Equal(IsFull, _queue.IsFull);
            Assert.True(maxSize == 0 || _queue.Count <= maxSize);
        }
    }
}

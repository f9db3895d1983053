namespace Baton.Tests.Synchronization;

/// <summary>Random tasks that take and give back units of a lock or semaphore, against a counter and a list.</summary>
public class SemaphorePropertyTests
{
    private enum Kind
    {
        Acquire,
        AcquireLater,
        TryAcquire,
        Release,
        Cancel,
        CancelLater,
        Yield,
        Sleep,
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public void A_semaphore_behaves_like_a_counter_and_a_list(int value)
    {
        var semaphore = new AsyncSemaphore(value);
        Check(() =>
        {
            semaphore = new AsyncSemaphore(value);
            return new Model(
                value, async () => await semaphore.AcquireAsync(), semaphore.TryAcquire, semaphore.Release, () => semaphore.WaiterCount)
            {
                Value = () => semaphore.Value,
            };
        });
    }

    [Fact]
    public void A_lock_behaves_like_a_semaphore_of_one() => Check(() =>
    {
        var mutex = new AsyncLock();
        return new Model(1, async () => await mutex.AcquireAsync(), mutex.TryAcquire, mutex.Release, () => mutex.WaiterCount)
        {
            Value = () => mutex.IsLocked ? 0 : 1,
        };
    });

    private static void Check(Func<Model> create) => Scripts.Check<Kind>(
        (test, script) => create().Run(test, script),
        (6, Kind.Acquire),
        (3, Kind.AcquireLater),
        (2, Kind.TryAcquire),
        (5, Kind.Release),
        (3, Kind.Cancel),
        (2, Kind.CancelLater),
        (4, Kind.Yield),
        (1, Kind.Sleep));

    private sealed class Actor
    {
        public LoopTask Task { get; set; } = null!;

        public bool Runs { get; set; }
    }

    private sealed class Model(int value, Func<ValueTask> acquire, Func<bool> tryAcquire, Action release, Func<int> waiterCount)
    {
        private readonly List<Actor> _waiting = [];
        private readonly Queue<Actor> _granted = new(); // and not run since
        private readonly List<Actor> _all = [];
        private readonly int _total = value;
        private int _free = value;
        private int _held;

        public required Func<int> Value { get; init; }

        public async Coroutine Run(LoopTest test, Step<Kind>[] script)
        {
            foreach (var step in script)
            {
                await Do(test, step);
                Check();
            }

            await Coroutine.Sleep(TimeSpan.FromSeconds(10));
            while (_waiting.Count > 0 || _granted.Count > 0)
            {
                Release();
                await Coroutine.Yield();
                Check();
            }

            await test.Drain();
            Check();
            Assert.All(_all, actor => Assert.True(actor.Task.IsDone));
            while (_held > 0)
            {
                Release();
            }

            Check();
        }

        private async Coroutine Do(LoopTest test, Step<Kind> step)
        {
            var live = _all.Where(actor => !actor.Task.IsDone).ToList();
            switch (step.Kind)
            {
                case Kind.Acquire:
                    Start(test, eager: true);
                    break;
                case Kind.AcquireLater:
                    Start(test, eager: false);
                    break;
                case Kind.TryAcquire:
                    Assert.Equal(_free > 0, tryAcquire());
                    if (_free > 0)
                    {
                        _free--;
                        _held++;
                    }

                    break;
                case Kind.Release:
                    Release();
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

        private void Start(LoopTest test, bool eager)
        {
            var actor = new Actor();
            _all.Add(actor);
            actor.Task = test.Loop.CreateTask(Act(actor), eager: eager);
        }

        private async Coroutine Act(Actor actor)
        {
            actor.Runs = true;
            if (_free > 0)
            {
                _free--;
                _held++;
                var done = acquire();
                Assert.True(done.IsCompleted);
                await done;
            }
            else
            {
                _waiting.Add(actor);
                await acquire();
                Assert.Same(actor, _granted.Dequeue());
            }

            await Coroutine.Yield(); // where a cancellation that came too late arrives
        }

        private void Release()
        {
            if (_held == 0 && _total > 0)
            {
                return; // Nobody has anything to give back. (Where there is nothing at first, units are added.)
            }

            _held = Math.Max(0, _held - 1);

            if (_waiting.Count > 0)
            {
                // Its own by now, whether or not it knows.
                _granted.Enqueue(_waiting[0]);
                _waiting.RemoveAt(0);
                _held++;
            }
            else
            {
                _free++;
            }

            release();
        }

        private void Cancel(Actor actor)
        {
            if (actor.Runs)
            {
                _waiting.Remove(actor);
            }

            actor.Task.Cancel();
        }

        private void Check()
        {
            Assert.Equal(_free, Value());
            Assert.Equal(_waiting.Count, waiterCount());
        }
    }
}

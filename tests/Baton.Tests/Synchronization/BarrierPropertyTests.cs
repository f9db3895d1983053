namespace Baton.Tests.Synchronization;

/// <summary>Random tasks that come to a barrier and leave it, and resets and aborts in between.</summary>
public class BarrierPropertyTests
{
    private enum Kind
    {
        Wait,
        WaitLater,
        Cancel,
        CancelLater,
        Yield,
        Sleep,
        Reset,
        Abort,
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Tasks_go_on_in_groups_in_which_every_number_occurs_once(int parties) => Scripts.Check<Kind>(
        async (test, script) =>
        {
            var model = new Model(test, parties);
            await model.Run(script);

            // In the order in which they were let go: the last of a group does not wait, and so it runs first.
            Assert.Empty(model.Broken);
            Assert.Equal(0, model.Passed.Count % parties);
            Assert.All(model.Passed.Chunk(parties), group => Assert.Equal(Enumerable.Range(0, parties), group.Order()));
        },
        (8, Kind.Wait),
        (4, Kind.WaitLater),
        (3, Kind.Cancel),
        (2, Kind.CancelLater),
        (5, Kind.Yield),
        (1, Kind.Sleep));

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Resets_and_aborts_leave_nobody_behind(int parties) => Scripts.Check<Kind>(
        (test, script) => new Model(test, parties).Run(script),
        (8, Kind.Wait),
        (4, Kind.WaitLater),
        (3, Kind.Cancel),
        (2, Kind.CancelLater),
        (5, Kind.Yield),
        (1, Kind.Sleep),
        (1, Kind.Reset),
        (1, Kind.Abort));

    private sealed class Model(LoopTest test, int parties)
    {
        private readonly AsyncBarrier _barrier = new(parties);
        private readonly List<LoopTask> _all = [];
        private int _came;
        private int _cancelled;

        public List<int> Passed { get; } = [];

        public List<int> Broken { get; } = [];

        public async Coroutine Run(Step<Kind>[] script)
        {
            foreach (var step in script)
            {
                await Do(step);
                Assert.InRange(_barrier.WaitingCount, 0, parties - 1);
            }

            await Coroutine.Sleep(TimeSpan.FromSeconds(10));
            Assert.Equal(_all.Count(task => !task.IsDone), _barrier.WaitingCount);
            if (_barrier.IsBroken)
            {
                Assert.Equal(0, _barrier.WaitingCount);
                _barrier.Reset();
            }

            // It works: as many as are missing let all go.
            var missing = _barrier.WaitingCount == 0 ? 0 : parties - _barrier.WaitingCount;
            for (var i = 0; i < missing; i++)
            {
                _all.Add(test.Loop.CreateTask(Wait()));
            }

            await test.Drain();
            Assert.Equal(_came, Passed.Count + Broken.Count + _cancelled);
            Assert.Equal($"AsyncBarrier (filling, 0 of {parties} waiting)", _barrier.ToString());
        }

        private async Coroutine Do(Step<Kind> step)
        {
            var live = _all.Where(task => !task.IsDone).ToList();
            switch (step.Kind)
            {
                case Kind.Wait or Kind.WaitLater:
                    _all.Add(test.Loop.CreateTask(Wait(), eager: step.Kind == Kind.Wait));
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
                case Kind.Reset:
                    _barrier.Reset();
                    Assert.False(_barrier.IsBroken);
                    break;
                case Kind.Abort when step.Index % 2 == 0:
                    _barrier.Abort();
                    Assert.True(_barrier.IsBroken);
                    break;
            }
        }

        private async Coroutine Wait()
        {
            _came++;
            try
            {
                Passed.Add(await _barrier.WaitAsync());
            }
            catch (BrokenBarrierException)
            {
                Broken.Add(0);
            }
            catch (CancelledException)
            {
                _cancelled++;
            }
        }
    }
}

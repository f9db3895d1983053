using FsCheck;
using FsCheck.Fluent;

namespace Baton.Tests.Core;

/// <summary>Random setting, cancelling and passing of time, against a sorted list.</summary>
public class TimerPropertyTests
{
    private enum Kind
    {
        Set,
        SetFromCallback,
        Cancel,
        CancelFromCallback,
        Advance,
    }

    [Fact]
    public void Timers_behave_like_a_sorted_list()
    {
        var step = from kind in Gen.Frequency(
                (6, Gen.Constant(Kind.Set)),
                (1, Gen.Constant(Kind.SetFromCallback)),
                (4, Gen.Constant(Kind.Cancel)),
                (1, Gen.Constant(Kind.CancelFromCallback)),
                (2, Gen.Constant(Kind.Advance)))
                   from amount in Gen.Choose(-3, 40)
                   from index in Gen.Choose(0, 1000)
                   select new Step(kind, amount, index);
        var steps = step.ArrayOf().Where(array => array.Length > 0);
        Prop.ForAll(steps.ToArbitrary(), array => LoopTest.On(test => new Model(test).Run(array)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(400));
    }

    private sealed record Step(Kind Kind, int Amount, int Index);

    private sealed record Timer(long When, int Number, TimerHandle Handle);

    private sealed class Model(LoopTest test)
    {
        private readonly List<Timer> _live = [];
        private readonly List<int> _fired = [];
        private int _number;

        public void Run(Step[] steps)
        {
            foreach (var step in steps)
            {
                switch (step.Kind)
                {
                    case Kind.Set:
                        Set(step.Amount);
                        break;
                    case Kind.SetFromCallback:
                        test.Loop.CallSoon(() => Set(step.Amount + 4));
                        Advance(0);
                        break;
                    case Kind.Cancel:
                        Cancel(step.Index);
                        break;
                    case Kind.CancelFromCallback:
                        Advance(0);
                        test.Loop.CallSoon(() => Cancel(step.Index));
                        test.RunIterations(1);
                        break;
                    default:
                        Advance(Math.Max(0, step.Amount));
                        break;
                }

                Assert.Equal(_live.Count, test.Loop.TimerCount);
            }

            Advance(100);
            Assert.Empty(_live);
        }

        private void Set(int delay)
        {
            var number = _number++;
            var when = test.Loop.Time + delay;
            _live.Add(new Timer(when, number, test.Loop.CallAt(when, state => _fired.Add((int)state!), number)));
        }

        private void Cancel(int index)
        {
            if (_live.Count > 0)
            {
                var timer = _live[index % _live.Count];
                Assert.True(timer.Handle.IsPending);
                timer.Handle.Cancel();
                _live.Remove(timer);
            }
        }

        private void Advance(int time)
        {
            test.Clock.Advance(time);
            var due =
                _live.Where(timer => timer.When <= test.Loop.Time).OrderBy(timer => timer.When).ThenBy(timer => timer.Number).ToList();
            _fired.Clear();
            test.RunIterations(1);
            Assert.Equal(due.Select(timer => timer.Number), _fired);
            Assert.All(due, timer => Assert.False(timer.Handle.IsPending));
            due.ForEach(timer => _live.Remove(timer));
        }
    }
}

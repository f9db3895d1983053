namespace Baton.Tests.Conformance;

/// <summary>
/// What CPython's <c>BarrierTests</c> pin down about filling and leaving, besides what the tests of <see cref="AsyncBarrier"/> do.
/// </summary>
public class BarrierConformanceTests
{
    private const int Parties = 5;

    [Fact]
    [CPython("test_locks.BarrierTests.test_repr")]
    public void ToString_tells_the_state_and_how_many_wait() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(Parties);
        var tasks = new List<LoopTask>();
        Assert.Equal("AsyncBarrier (filling, 0 of 5 waiting)", barrier.ToString());
        Start(2);
        Assert.Equal("AsyncBarrier (filling, 2 of 5 waiting)", barrier.ToString());
        Start(Parties - barrier.WaitingCount);
        Assert.Equal("AsyncBarrier (draining, 0 of 5 waiting)", barrier.ToString());
        Start(2);
        Assert.Equal("AsyncBarrier (draining, 0 of 5 waiting, 2 for the next turn)", barrier.ToString());
        barrier.Reset();
        Assert.Equal("AsyncBarrier (resetting, 0 of 5 waiting, 2 for the next turn)", barrier.ToString());
        Start(2);
        Assert.Equal("AsyncBarrier (resetting, 0 of 5 waiting, 4 for the next turn)", barrier.ToString());
        barrier.Abort();
        Assert.Equal("AsyncBarrier (broken, 0 of 5 waiting)", barrier.ToString());
        Assert.True(barrier.IsBroken);
        var outcomes = await Coroutine.GatherOutcomes(tasks);
        Assert.Equal(8, outcomes.Count(outcome => outcome.Exception is BrokenBarrierException));

        void Start(int count)
        {
            for (var i = 0; i < count; i++)
            {
                tasks.Add(test.Loop.CreateTask(Wait(barrier), eager: true));
            }
        }
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_context_manager")]
    public void Each_of_the_tasks_gets_a_number_of_its_own() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(3);
        var numbers = await GatherTasks(test, 3, async Coroutine<int> (_) => await barrier.WaitAsync());
        Assert.Equal([0, 1, 2], numbers.Order());
        CheckIsEmpty(barrier);
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_filling_one_task_twice")]
    public void Tasks_at_a_barrier_for_one_all_have_the_same_number() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(1);
        for (var i = 0; i < 2; i++)
        {
            var task = test.Loop.CreateTask(Wait(barrier));
            await Coroutine.Yield();
            Assert.Equal(0, task.GetResult());
            CheckIsEmpty(barrier);
        }
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_filling_task_by_task")]
    public void It_is_filling_until_the_last_one_has_come() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(3);
        var tasks = new List<LoopTask>();
        for (var i = 1; i <= 2; i++)
        {
            tasks.Add(test.Loop.CreateTask(Wait(barrier)));
            await Coroutine.Yield();
            Assert.Equal(i, barrier.WaitingCount);
            Assert.Contains("filling", barrier.ToString(), StringComparison.Ordinal);
        }

        tasks.Add(test.Loop.CreateTask(Wait(barrier)));
        await Coroutine.Wait(tasks);
        Assert.All(tasks, task => task.GetResult());
        CheckIsEmpty(barrier);
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_filling_tasks_wait_twice")]
    public void Tasks_that_come_twice_go_on_twice() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(Parties);
        var log = new List<int>();
        await GatherTasks(test, Parties, async Coroutine<int> (_) =>
        {
            await barrier.WaitAsync();
            log.Add(1);
            await barrier.WaitAsync();
            log.Add(2);
            return 0;
        });

        // None goes on from the second wait before all have from the first.
        Assert.Equal([1, 1, 1, 1, 1, 2, 2, 2, 2, 2], log);
        CheckIsEmpty(barrier);
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_filling_tasks_check_return_value")]
    public void The_numbers_of_the_second_turn_are_one_each_too() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(Parties);
        int first = 0, second = 0;
        var numbers = await GatherTasks(test, Parties, async Coroutine<int> (_) =>
        {
            await barrier.WaitAsync();
            first++;
            var number = await barrier.WaitAsync();
            Assert.Equal(Parties, first);
            second++;
            return number;
        });
        Assert.Equal(Parties, second);
        Assert.Equal(Enumerable.Range(0, Parties), numbers.Order());
        CheckIsEmpty(barrier);
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_draining_state")]
    public void It_is_draining_until_the_last_one_has_gone_on() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(Parties);
        var states = new List<bool>();
        await GatherTasks(test, Parties, async Coroutine<int> (_) =>
        {
            await barrier.WaitAsync();
            states.Add(barrier.ToString().Contains("draining", StringComparison.Ordinal));
            return 0;
        });
        Assert.Equal([true, true, true, true, false], states);
        CheckIsEmpty(barrier);
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_blocking_tasks_while_draining")]
    public void Those_who_come_again_while_others_leave_wait_for_these_to_come_again() => LoopTest.Run(async test =>
    {
        const int early = 2;
        var barrier = new AsyncBarrier(Parties);
        var rest = new AsyncBarrier(Parties - early);
        var log = new List<string>();
        var left = early;
        await GatherTasks(test, Parties, async Coroutine<int> (_) =>
        {
            await barrier.WaitAsync();
            if (left > 0)
            {
                left--;
                await barrier.WaitAsync();
                log.Add("early");
            }
            else
            {
                await rest.WaitAsync();
                log.Add("rest");
                await barrier.WaitAsync();
                log.Add("late");
            }

            return 0;
        });
        Assert.Equal(["rest", "rest", "rest"], log[..3]);
        Assert.Equal(["early", "early", "late", "late", "late"], log[3..].Order());
        CheckIsEmpty(barrier);
        CheckIsEmpty(rest);
    });

    internal static async Coroutine<int[]> GatherTasks(LoopTest test, int count, Func<int, Coroutine<int>> body) =>
        await Coroutine.Gather(StartTasks(test, count, body));

    internal static List<LoopTask<int>> StartTasks(LoopTest test, int count, Func<int, Coroutine<int>> body) =>
        [.. Enumerable.Range(0, count).Select(i => test.Loop.CreateTask(body(i)))];

    internal static void CheckIsEmpty(AsyncBarrier barrier)
    {
        Assert.Equal($"AsyncBarrier (filling, 0 of {barrier.Parties} waiting)", barrier.ToString());
        Assert.Equal(0, barrier.WaitingCount);
        Assert.False(barrier.IsBroken);
    }

    private static async Coroutine<int> Wait(AsyncBarrier barrier) => await barrier.WaitAsync();
}

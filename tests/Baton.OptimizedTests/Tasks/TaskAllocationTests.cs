namespace Baton.Tests;

public class TaskAllocationTests
{
    private const int Children = 1000;
    private const int Operations = 100_000;

    // A task with its synchronization context, 152 bytes; the callback by which the gather waits, 64; a place in the list of children and
    // one in the results.
    private const int ChildSize = 240;

    [Fact]
    public void A_child_of_a_gather_allocates_its_task_and_one_callback() => AssertAtMost(ChildSize, Operations, static async count =>
    {
        var children = new Coroutine<int>[Children];
        for (var i = 0; i < count; i += Children)
        {
            for (var j = 0; j < Children; j++)
            {
                children[j] = YieldOnce(j);
            }

            await Coroutine.Gather(children);
        }
    });

    [Fact]
    public void A_wait_for_allocates_its_scope_and_nothing_else() => AssertAtMost(152, 10_000, static async count =>
    {
        for (var i = 0; i < count; i++)
        {
            await Coroutine.WaitFor(YieldOnce(i), TimeSpan.FromHours(1));
        }
    });

    [Fact]
    public void A_sleep_with_a_result_allocates_nothing() => AssertAtMost(0, 10_000, static async count =>
    {
        for (var i = 0; i < count; i++)
        {
            await Coroutine.Sleep(TimeSpan.Zero, i);
        }
    });

    [Fact]
    public void Taking_the_next_of_what_is_completed_allocates_nothing_beyond_the_callback_and_its_place() =>
        AssertAtMost(400, Operations, static async count =>
        {
            var children = new Coroutine<int>[Children];
            for (var i = 0; i < count; i += Children)
            {
                for (var j = 0; j < Children; j++)
                {
                    children[j] = YieldOnce(j);
                }

                await foreach (var task in Coroutine.AsCompleted(children))
                {
                    task.GetResult();
                }
            }
        });

    private static async Coroutine<int> YieldOnce(int value)
    {
        await Coroutine.Yield();
        return value;
    }

    private static void AssertAtMost(double bytes, int operations, Func<int, Coroutine> body)
    {
        // What the body itself allocates once may come on top.
        Assert.InRange(Allocation.PerOperation(operations, body), 0, bytes + 0.5);
    }
}

namespace Baton.Tests;

/// <summary>What scopes, time-outs and groups allocate: their own objects, and nothing else.</summary>
public class StructuredAllocationTests
{
    private const int Operations = 10_000;

    // The scope and its synchronization context.
    private const int ScopeSize = 152;

    // A scope: there is an object that shows it as a time-out only for code that asks for it.
    private const int TimeoutSize = ScopeSize;

    // A task with its context (152 bytes), its place in the group, and the callback at its end; here also the awaiter's place beside that
    // callback.
    private const int ChildSize = 352;

    // The group, its scope with that one's context, its wait, the list of failures, the options.
    private const int GroupSize = 456;

    [Fact]
    public void A_scope_allocates_itself() => AssertAllocates(ScopeSize, static async count =>
    {
        for (var i = 0; i < count; i++)
        {
            await CancelScope.Run(static async Coroutine (_) => await Coroutine.Yield());
        }
    });

    [Fact]
    public void A_scope_with_a_deadline_allocates_no_more() => AssertAllocates(ScopeSize, static async count =>
    {
        for (var i = 0; i < count; i++)
        {
            await CancelScope.Run(static async Coroutine (_) => await Coroutine.Yield(), timeout: TimeSpan.FromHours(1));
        }
    });

    [Fact]
    public void A_suspension_in_a_scope_allocates_nothing() => AssertAllocates(0, static async count =>
        await CancelScope.Run(
            async Coroutine (_) =>
            {
                for (var i = 0; i < count; i++)
                {
                    await Coroutine.Yield();
                }
            },
            timeout: TimeSpan.FromHours(1)));

    [Fact]
    public void A_time_out_allocates_itself() => AssertAllocates(TimeoutSize, static async count =>
    {
        for (var i = 0; i < count; i++)
        {
            await LoopTimeout.Run(TimeSpan.FromHours(1), static async Coroutine () => await Coroutine.Yield());
        }
    });

    [Fact]
    public void A_time_out_around_code_that_does_not_suspend_allocates_no_more() => AssertAllocates(TimeoutSize, static async count =>
    {
        for (var i = 0; i < count; i++)
        {
            await LoopTimeout.Run(TimeSpan.FromHours(1), static () => Coroutine.FromResult(1));
        }
    });

    [Fact]
    public void A_task_of_a_group_allocates_itself_and_its_place() => AssertAllocates(ChildSize, static async count =>
        await TaskGroup.Run(async Coroutine (group) =>
        {
            for (var i = 0; i < count; i++)
            {
                await group.CreateTask(Coroutine.FromResult(1));
            }
        }));

    [Fact]
    public void A_group_allocates_itself() => AssertAllocates(GroupSize, static async count =>
    {
        for (var i = 0; i < count; i++)
        {
            await TaskGroup.Run(static async Coroutine (_) => await Coroutine.Yield());
        }
    });

    private static void AssertAllocates(double bytes, Func<int, Coroutine> body) =>
        Assert.InRange(Allocation.PerOperation(Operations, body), bytes - 0.5, bytes + (1000.0 / Operations));
}

using FsCheck;
using FsCheck.Fluent;

namespace Baton.Tests.Tasks;

/// <summary>
/// Random trees of combinators with random delays, failures and cancellations, against a prediction of how and when each node ends.
/// </summary>
public class CombinatorPropertyTests
{
    [Fact]
    public void Every_node_ends_as_predicted_and_no_failure_is_lost()
    {
        var cases = from seed in Gen.Choose(0, int.MaxValue)
                    from size in Gen.Choose(1, 40)
                    select (seed, size);
        Prop.ForAll(cases.ToArbitrary(), tree => Check(tree.seed, tree.size)).Check(Config.QuickThrowOnFailure.WithMaxTest(500));
    }

    private static void Check(int seed, int size) => LoopTest.On(test =>
    {
        var tree = new CombinatorTree(seed, size);
        var start = test.Loop.Time / 100;
        Assert.Equal(10_000_000, start);
        test.Loop.RunUntilComplete(Main());
        Assert.Equal(0, test.Loop.TaskCount);
        Assert.Equal(0, test.Loop.TimerCount);
        foreach (var node in tree.Nodes)
        {
            Assert.True(node.Actual is not null, $"{node} in the tree {seed}, {size}");
            var actual = node.Actual.Value with { Time = node.Actual.Value.Time - start };
            Assert.True(node.Predicted == actual, $"{node} in the tree {seed}, {size}");
        }

        test.Loop.Dispose();
        var reported = test.TakeReports().Select(report => report.Exception!.Message).ToList();
        Assert.Equal(reported.Distinct().Order(), reported.Order());
        Assert.DoesNotContain(reported, tree.Observed.Contains);
        Assert.Equal(tree.Thrown.Order(), reported.Concat(tree.Observed).Order());

        async Coroutine Main()
        {
            var root = test.Loop.CreateTask(tree.Root.Run());
            foreach (var cancel in tree.Cancels)
            {
                test.Loop.CallLater(TimeSpan.FromTicks(cancel), () => root.Cancel());
            }

            await Coroutine.Wait([root]);
            if (root.IsFailed)
            {
                tree.Observed.Add(root.GetException()!.Message);
            }

            // Whatever was shielded or left goes on.
            await Coroutine.Sleep(TimeSpan.FromTicks(10_000_000_000_000));
        }
    });
}

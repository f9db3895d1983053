using Baton.Oracle;

namespace Baton.Tests.Oracle;

public class ScenarioTests
{
    private static readonly HashSet<string> Some = ["log", "yield", "sleep", "spawn", "await", "cancel", "group", "spawn_in_group", "fail"];

    [Fact]
    public void A_seed_makes_the_same_scenario_each_time_and_another_one_another()
    {
        Assert.Equal(ScenarioGenerator.Generate(7, Some).ToString(), ScenarioGenerator.Generate(7, Some).ToString());
        Assert.NotEqual(ScenarioGenerator.Generate(7, Some).ToString(), ScenarioGenerator.Generate(8, Some).ToString());
    }

    [Fact]
    public void Only_the_operations_that_are_given_are_used() => Assert.All(
        Enumerable.Range(0, 200), seed => Assert.Subset(Some, ScenarioGenerator.Generate(seed, Some).Operations.ToHashSet()));

    [Fact]
    public void No_task_awaits_one_that_was_started_before_it()
    {
        HashSet<string> operations = [.. Some, "gather", "gather_bodies", "wait", "wait_for", "wait_for_task", "shield"];
        for (var seed = 0; seed < 300; seed++)
        {
            Check(ScenarioGenerator.Generate(seed, operations).Body, 0);
        }

        static void Check(Step[] body, int task)
        {
            foreach (var step in body)
            {
                int[] awaited = step.Operation switch
                {
                    "await" or "shield" or "gather" => step.Numbers,
                    "wait_for_task" => step.Numbers[1..],
                    "wait" => step.Numbers[2..],
                    _ => [],
                };
                Assert.All(awaited, other => Assert.True(other > task));
                for (var i = 0; i < step.Bodies.Length; i++)
                {
                    Check(step.Bodies[i], step.Operation is "spawn" or "spawn_in_group" or "gather_bodies" ? step.Numbers[0] + i : task);
                }
            }
        }
    }

    [Fact]
    public void A_scenario_is_read_as_it_was_written()
    {
        for (var seed = 0; seed < 100; seed++)
        {
            var scenario = ScenarioGenerator.Generate(seed, Some);
            var read = Scenario.Parse("# a comment\n" + scenario);
            Assert.Equal(scenario.ToString(), read.ToString());
            Assert.Equal(scenario.Count, read.Count);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("[1]")]
    [InlineData("[[]]")]
    [InlineData("[[\"sleep\", 1.5]]")]
    [InlineData("[[\"sleep\", \"long\"]]")]
    [InlineData("[[\"spawn\", 1, [\"log\"]]]")]
    public void What_is_no_scenario_is_refused(string text) =>
        Assert.Contains("no scenario", Assert.Throws<FormatException>(() => Scenario.Parse(text)).Message);

    [Fact]
    public void A_scenario_shrinks_to_what_matters()
    {
        HashSet<string> operations = [.. Some, "timeout", "try_error"];
        var shrunk = 0;
        for (var seed = 0; seed < 50; seed++)
        {
            var scenario = ScenarioGenerator.Generate(seed, operations);
            if (scenario.Operations.Contains("fail"))
            {
                Assert.Equal(
                    "[\n  [\"fail\", 0]\n]\n", Shrinker.Shrink(scenario, smaller => smaller.Operations.Contains("fail")).ToString());
                shrunk++;
            }
        }

        Assert.InRange(shrunk, 10, 50);
    }

    [Fact]
    public void A_scenario_that_cannot_be_smaller_stays()
    {
        var scenario = Scenario.Parse("""[["timeout", 2, [["sleep", 3]]]]""");
        Assert.Same(scenario, Shrinker.Shrink(scenario, _ => false));
    }

    [Fact]
    public void A_comparison_shows_where_the_traces_part()
    {
        var comparison = new Comparison(Scenario.Parse("""[["log"]]"""), ["0 0 log", "0 0 ok"], ["0 0 log", "0 0 oops", "more"], []);
        Assert.False(comparison.IsExplained);
        Assert.Equal(
            """
            [
              ["log"]
            ]

              asyncio | Baton
              0 0 log | 0 0 log
            > 0 0 ok  | 0 0 oops
                      | more

            """,
            comparison.ToString());
    }
}

using Baton.Oracle;
using Baton.Tests.Docs;

namespace Baton.Tests.Oracle;

/// <summary>What happens on Baton is what happens on CPython's asyncio, or what a deliberate improvement says.</summary>
public class OracleTests(AsyncioFixture asyncio) : IClassFixture<AsyncioFixture>
{
    private static readonly string Folder = Path.Combine(SnippetFiles.Root, "tests", "Baton.Oracle");

    public static TheoryData<string> Regressions() => Names("regressions");

    public static TheoryData<string> Improvements() => Names("improvements");

    [Theory]
    [InlineData(0)]
    [InlineData(500)]
    [InlineData(1000)]
    [InlineData(1500)]
    public void Random_scenarios_do_the_same_on_both(int first) => LoopTest.OnThread(() =>
    {
        var comparer = new ScenarioComparer(asyncio.Process);
        for (var seed = first; seed < first + 500; seed++)
        {
            var comparison = comparer.Compare(ScenarioGenerator.Generate(seed, asyncio.Process.Operations));
            if (!comparison.IsExplained)
            {
                Assert.Fail($"Seed {seed}:\n{comparer.Shrink(comparison)}");
            }
        }
    });

    [Theory]
    [MemberData(nameof(Regressions))]
    public void What_once_differed_is_the_same(string name)
    {
        var comparison = Compare(Read("regressions", name));
        Assert.True(comparison.IsExplained, comparison.ToString());
    }

    [Theory]
    [MemberData(nameof(Improvements))]
    public void What_is_improved_differs_as_the_improvement_says(string name)
    {
        var comparison = Compare(Read("improvements", name));
        Assert.True(comparison.IsExplained, comparison.ToString());
        Assert.Equal([name], comparison.Improvements.Select(FileName));
    }

    [Fact]
    public void Every_improvement_has_a_scenario_that_needs_it_and_a_row_in_the_guide()
    {
        Assert.Equal(asyncio.Process.Improvements.Select(FileName).Order(StringComparer.Ordinal), Improvements().Select(row => row.Data));
        var guide = File.ReadAllText(Path.Combine(SnippetFiles.Root, "docs", "oracle.md"));
        Assert.All(asyncio.Process.Improvements, name => Assert.Contains($"| {name} |", guide));
    }

    [Fact]
    public void Both_know_the_same_operations()
    {
        // A scenario of each operation alone: what one of them did not know would end its interpreter.
        var steps = Enumerable.Range(0, 400)
            .SelectMany(seed => Steps(ScenarioGenerator.Generate(seed, asyncio.Process.Operations).Body))
            .DistinctBy(step => step.Operation);
        foreach (var operation in steps)
        {
            var alone = operation.Operation is "wait_condition" or "notify"
                ? new Step("condition", [operation.Numbers[0]], [[operation]])
                : operation;
            Assert.True(Compare(new Scenario([alone])).IsExplained, operation.Operation);
        }
    }

    [Fact]
    public void A_scenario_at_which_asyncio_itself_fails_is_told_apart() => LoopTest.OnThread(() =>
    {
        // Tasks in a ring wait for each other: asyncio cancels them by a recursion without end.
        var ring = Scenario.Parse("""[["spawn", 1, [["yield"], ["await", 2]]], ["spawn", 2, [["await", 1]]], ["sleep", 1], ["cancel", 1]]""");
        var failure = Assert.Throws<InvalidOperationException>(() => new ScenarioComparer(asyncio.Process).Compare(ring));
        Assert.Contains("asyncio itself fails", failure.Message);
    });

    private static TheoryData<string> Names(string folder) =>
        [.. Directory.GetFiles(Path.Combine(Folder, folder), "*.json").Select(path => Path.GetFileNameWithoutExtension(path)!).Order(StringComparer.Ordinal)];

    private static string FileName(string improvement) => improvement.Replace(' ', '-');

    private static Scenario Read(string folder, string name) =>
        Scenario.Parse(File.ReadAllText(Path.Combine(Folder, folder, name + ".json")));

    private static IEnumerable<Step> Steps(Step[] body) => body.SelectMany(step => step.Bodies.SelectMany(Steps).Prepend(step));

    private Comparison Compare(Scenario scenario)
    {
        var unknown = scenario.Operations.Except(asyncio.Process.Operations).ToList();
        Assert.SkipWhen(
            unknown.Count > 0, $"In Python {asyncio.Process.Version}, these do not do what they do since: {string.Join(", ", unknown)}.");
        Comparison comparison = null!;
        LoopTest.OnThread(() => comparison = new ScenarioComparer(asyncio.Process).Compare(scenario));
        return comparison;
    }
}

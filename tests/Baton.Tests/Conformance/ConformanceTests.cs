using System.Reflection;
using Baton.Tests.Docs;

namespace Baton.Tests.Conformance;

/// <summary>Every test that CPython has for asyncio is accounted for, and the page that says how is up to date.</summary>
public class ConformanceTests
{
    /// <summary>
    /// The files of CPython's whose tests must all be accounted for by more than "later"; of the last two, the halves about scheduling.
    /// </summary>
    private static readonly string[] Covered =
    [
        "test_tasks", "test_futures", "test_futures2", "test_taskgroups", "test_timeouts", "test_waitfor", "test_eager_task_factory",
        "test_staggered",
        "test_locks", "test_queues", "test_runners", "test_threads", "test_context", "test_pep492", "test_free_threading", "test_graph",
        "test_base_events",
        "test_streams", "test_protocols", "test_transports", "test_buffered_proto", "test_selector_events", "test_events",
        "test_server_context",
        "test_sock_lowlevel", "test_ssl", "test_sslproto", "test_server", "regressions",
    ];

    private static readonly string PagePath = Path.Combine(SnippetFiles.Root, "docs", "conformance.md");

    [Fact]
    public void Every_test_of_CPythons_is_covered_or_has_a_reason() => Assert.Empty(
        CPythonTests.All.Where(test => Covered.Contains(test.File) && test.Reason is null && !ConformancePage.Marks.Contains(test.FullName))
            .Select(test => test.FullName));

    [Fact]
    public void No_test_of_CPythons_has_both() => Assert.Empty(
        CPythonTests.All.Where(test => test.Reason is not null && ConformancePage.Marks.Contains(test.FullName)).Select(
            test => test.FullName));

    [Fact]
    public void Every_mark_names_a_test_of_CPythons() => Assert.Empty(
        ConformancePage.Marks.Select(marks => marks.Key).Except(CPythonTests.All.Select(test => test.FullName)));

    [Fact]
    public void Every_mark_is_on_a_test() => Assert.Empty(
        ConformancePage.Marks.SelectMany(marks => marks).Where(pair => pair.Method.GetCustomAttribute<FactAttribute>() is null).Select(
            pair => pair.Method.Name));

    [Fact]
    public void No_test_of_CPythons_is_listed_twice() => Assert.Empty(
        CPythonTests.All.GroupBy(test => test.FullName).Where(group => group.Count() > 1).Select(group => group.Key));

    [Fact]
    public void Three_quarters_of_what_is_there_is_covered_by_tests()
    {
        var tests = CPythonTests.All.Where(test => Covered.Contains(test.File) && test.Reason != CPythonTests.Later).ToList();
        Assert.InRange(tests.Count(test => ConformancePage.Marks.Contains(test.FullName)), tests.Count * 3 / 4, tests.Count);
    }

    [Fact]
    public void The_page_is_up_to_date()
    {
        var expected = ConformancePage.Make(CPythonTests.All);
        if (Environment.GetEnvironmentVariable("BATON_UPDATE_CONFORMANCE") == "1")
        {
            File.WriteAllText(PagePath, expected);
        }

        Assert.True(
            File.ReadAllText(PagePath) == expected,
            "docs/conformance.md is stale: set BATON_UPDATE_CONFORMANCE=1 and run the test again to rewrite it.");
    }

    [Fact]
    public void A_list_with_an_unknown_reason_is_refused()
    {
        var failure = Assert.Throws<FormatException>(
            () => CPythonTests.Parse("test_x", ["[C]", "test_a", "test_b: because: it is so"]).ToList());
        Assert.Contains("test_b: because: it is so", failure.Message);
    }

    [Fact]
    public void A_list_has_names_by_class_and_reasons_behind_them()
    {
        var tests =
            CPythonTests.Parse("test_x", ["# comment", "", "[C]", "test_a", "test_b: language: Like: this.", "[D]", "test_a"]).ToList();
        Assert.Equal(
            [new("test_x", "C", "test_a", null, null), new("test_x", "C", "test_b", "language", "Like: this."), new("test_x", "D", "test_a", null, null)],
            tests);
    }
}

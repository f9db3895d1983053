using System.Reflection;
using System.Text;

namespace Baton.Tests.Conformance;

/// <summary>Makes <c>docs/conformance.md</c> from the lists of CPython's tests and from the marks of ours.</summary>
internal static class ConformancePage
{
    /// <summary>Every mark, by the name of CPython's test, with the method that carries it.</summary>
    public static ILookup<string, (CPythonAttribute Mark, MethodInfo Method)> Marks { get; } = typeof(ConformancePage).Assembly.GetTypes()
        .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
        .SelectMany(method => method.GetCustomAttributes<CPythonAttribute>().Select(mark => (mark, method)))
        .OrderBy(pair => NameOf(pair.method), StringComparer.Ordinal)
        .ToLookup(pair => pair.mark.Test);

    public static string Make(IReadOnlyList<CPythonTest> tests)
    {
        var page = new StringBuilder();
        page.Append("""
            # Conformance

            CPython's own tests of asyncio, as of 3.14 (of 3.15 where a file is new there), each with the test of Baton's that pins down the same behaviour, with the deliberate improvement that
            replaces it, or with the reason why it does not apply. The page is made by `BATON_UPDATE_CONFORMANCE=1 dotnet test --filter
            FullyQualifiedName~ConformanceTests` from the lists in `tests/Baton.Tests/Conformance/cpython` and the `[CPython]` marks of the tests; a test
            fails when it is stale.

            The reasons:


            """);
        foreach (var (reason, meaning) in CPythonTests.Reasons)
        {
            page.Append($"- *{reason}*: {meaning}.\n");
        }

        page.Append("\n| File | tests | covered | improved | not applicable | later |\n| --- | ---: | ---: | ---: | ---: | ---: |\n");
        var files = tests.GroupBy(test => test.File).ToList();
        foreach (var file in files)
        {
            AppendCounts(page, $"[{file.Key}](#{file.Key})", [.. file]);
        }

        AppendCounts(page, "all", tests);
        foreach (var file in files)
        {
            page.Append($"\n## {file.Key}\n");
            foreach (var group in file.GroupBy(test => test.Group))
            {
                page.Append($"\n### {Escape(group.Key)}\n\n| CPython | Baton |\n| --- | --- |\n");
                foreach (var test in group)
                {
                    page.Append($"| `{test.Name}` | {Describe(test)} |\n");
                }
            }
        }

        return page.ToString();
    }

    private static void AppendCounts(StringBuilder page, string title, IReadOnlyList<CPythonTest> tests)
    {
        var covered = tests.Count(test => Marks[test.FullName].Any(pair => pair.Mark.Improvement is null));
        var marked = tests.Count(test => Marks.Contains(test.FullName));
        var later = tests.Count(test => test.Reason == CPythonTests.Later);
        page.Append($"| {title} | {tests.Count} | {covered} | {marked - covered} | {tests.Count(test => test.Reason is not null) - later} | {later} |\n");
    }

    private static string Describe(CPythonTest test)
    {
        var marks = Marks[test.FullName].ToList();
        if (marks.Count == 0)
        {
            return test.Reason is null ? "**unaccounted for**" : $"*{test.Reason}*: {test.Explanation}";
        }

        var methods = string.Join(", ", marks.Select(pair => $"`{NameOf(pair.Method)}`").Distinct());
        var improvements = marks.Select(pair => pair.Mark.Improvement).OfType<string>().Distinct().ToList();
        return improvements.Count == 0 ? methods : $"{methods}: *improved*: {string.Join(' ', improvements)}";
    }

    private static string NameOf(MethodInfo method) => $"{method.DeclaringType!.Name}.{method.Name}";

    private static string Escape(string text) => text.Replace("_", "\\_", StringComparison.Ordinal);
}

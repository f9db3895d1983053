using System.Reflection;
using System.Text.RegularExpressions;

namespace Baton.Tests.Docs;

/// <summary>The page that maps asyncio's names leaves none out, and names nothing of Baton's that is not there.</summary>
public partial class AsyncioNamesTests
{
    private static readonly string Page = Path.Combine(SnippetFiles.Root, "docs", "asyncio-to-baton.md");

    [Fact]
    public void Every_public_name_of_asyncio_has_a_row()
    {
        var mapped = Rows().SelectMany(row => Names(row[0])).ToHashSet();
        var names = File.ReadAllLines(Path.Combine(SnippetFiles.Root, "tests", "Baton.Tests", "Docs", "asyncio-names.txt"));
        Assert.NotEmpty(names);
        Assert.DoesNotContain(names, name => !mapped.Contains(name));
    }

    [Fact]
    public void Every_row_names_something_or_says_why_not() => Assert.All(Rows(), row =>
        Assert.True(Names(row[1]).Count > 0 || (row[1] == "—" && row[2].Length > 0), string.Join(" | ", row)));

    [Fact]
    public void Every_name_of_Batons_exists() =>
        Assert.DoesNotContain(Rows().SelectMany(row => Names(row[1])).Distinct(), name => !Exists(name));

    /// <summary>The cells of the tables with three columns.</summary>
    private static IEnumerable<string[]> Rows() => File.ReadLines(Page)
        .Where(line => line.StartsWith('|') && !line.StartsWith("| ---", StringComparison.Ordinal) && !line.StartsWith("| asyncio", StringComparison.Ordinal))
        .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries))
        .Where(cells => cells.Length == 3);

    private static List<string> Names(string cell) => [.. CodeSpan().Matches(cell).Select(match => match.Groups[1].Value)];

    private static bool Exists(string name)
    {
        var (typeName, memberName) = name.Split('.') is [var first, var second] ? (first, second) : (name, null);
        return typeof(EventLoop).Assembly.GetExportedTypes()
            .Where(type => type.Name.Split('`')[0] == typeName)
            .Any(type => memberName is null
                || type.GetMember(memberName, BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static).Length > 0);
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex CodeSpan();
}

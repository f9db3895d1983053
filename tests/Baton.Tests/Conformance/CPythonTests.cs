using System.Text.RegularExpressions;
using Baton.Tests.Docs;

namespace Baton.Tests.Conformance;

/// <summary>The tests that CPython has for asyncio, by file and class, and the reasons why some do not apply.</summary>
/// <remarks>
/// A file of the folder <c>cpython</c> lists one of CPython's: a line a test, under the name of its class. <c>name: reason: explanation</c>
/// accounts for a test that none of ours covers.
/// </remarks>
internal static partial class CPythonTests
{
    /// <summary>Why a test does not apply, as the lists write it, and as the page says it.</summary>
    public static readonly IReadOnlyDictionary<string, string> Reasons = new Dictionary<string, string>
    {
        ["language"] = "about a trait of Python's that C# does not have",
        ["types"] = "about a misuse that the C# compiler refuses",
        ["internals"] = "about parts of CPython's implementation that nobody else can see",
        ["legacy"] = "about what asyncio keeps for older programs, and Baton never had",
        ["platform"] = "about a platform that Baton does not run on",
        [Later] = "about a part of the library that is still to come",
    };

    public const string Later = "later";

    private static readonly string Folder = Path.Combine(SnippetFiles.Root, "tests", "Baton.Tests", "Conformance", "cpython");

    public static IReadOnlyList<CPythonTest> All { get; } =
        [.. Directory.GetFiles(Folder, "*.txt").Order(StringComparer.Ordinal).SelectMany(path => Parse(Path.GetFileNameWithoutExtension(path), File.ReadLines(path)))];

    public static IEnumerable<CPythonTest> Parse(string file, IEnumerable<string> lines)
    {
        var group = "";
        foreach (var line in lines.Select(line => line.Trim()).Where(line => line.Length > 0 && line[0] != '#'))
        {
            if (line[0] == '[')
            {
                group = line.Trim('[', ']');
                continue;
            }

            var match = Entry().Match(line);
            if (!match.Success || (match.Groups["reason"] is { Success: true } reason && !Reasons.ContainsKey(reason.Value)))
            {
                throw new FormatException($"{file}: '{line}' is not `name` or `name: reason: explanation` with a reason out of {string.Join(", ", Reasons.Keys)}.");
            }

            yield return new CPythonTest(
                file, group, match.Groups["name"].Value, NullIfEmpty(match.Groups["reason"].Value), NullIfEmpty(match.Groups["why"].Value));
        }
    }

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;

    [GeneratedRegex(@"^(?<name>[\w-]+)(: (?<reason>\w+): (?<why>.+))?$")]
    private static partial Regex Entry();
}

/// <param name="File">The file's name, without its suffix.</param>
/// <param name="Group">The class.</param>
/// <param name="Name">The method.</param>
/// <param name="Reason">A key of <see cref="CPythonTests.Reasons"/>, when no test of ours covers this one.</param>
/// <param name="Explanation">What the reason means here.</param>
internal sealed record CPythonTest(string File, string Group, string Name, string? Reason, string? Explanation)
{
    public string FullName => $"{File}.{Group}.{Name}";
}

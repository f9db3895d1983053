using System.Runtime.ExceptionServices;

namespace Baton.Tests.Docs;

/// <summary>
/// Keeps the documentation true: its C# is compiled code of <c>docs/snippets</c>, and what it says that this code prints is what the code
/// prints. With BATON_UPDATE_SNIPPETS=1 the blocks that differ are rewritten.
/// </summary>
[Collection(nameof(ConsoleCollection))]
public class SnippetTests
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(60);

    private static readonly bool MustUpdate = Environment.GetEnvironmentVariable("BATON_UPDATE_SNIPPETS") == "1";

    private static readonly Dictionary<string, string> Outputs = [];

    /// <summary>Snippets of what epoll alone can do; their output is compared in the runs on epoll.</summary>
    private static readonly string[] ForEpoll = ["Udp.Reports"];

    public static TheoryData<string> Pages() =>
    [
        .. Directory.GetFiles(Path.Combine(SnippetFiles.Root, "docs"), "*.md")
            .Append(Path.Combine(SnippetFiles.Root, "README.md"))
            .Select(path => Path.GetRelativePath(SnippetFiles.Root, path))
            .Order(StringComparer.Ordinal),
    ];

    public static TheoryData<string> Snippets() => [.. SnippetFiles.Runnable().Select(SnippetFiles.NameOf).Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_block_of_code_is_a_snippet(string page)
    {
        var problems = new List<string>();
        var document = Read(page);
        foreach (var block in document.Blocks.Where(block => block.IsCSharp && block.Marker is not { Kind: MarkerKind.Snippet }))
        {
            problems.Add($"{page}:{block.Start + 1}: C# without a marker `<!-- snippet: File.cs#region -->` before it.");
        }

        foreach (var marker in document.Markers.Where(marker => marker.Kind != MarkerKind.Messages))
        {
            if (document.Blocks.All(block => !ReferenceEquals(block.Marker, marker)))
            {
                problems.Add($"{page}:{marker.Line + 1}: no fenced block follows the marker.");
            }
        }

        foreach (var marker in document.Markers.Where(
            marker => marker.Kind == MarkerKind.Snippet && SnippetFiles.FindRegion(marker.Target) is null))
        {
            problems.Add($"{page}:{marker.Line + 1}: docs/snippets has no {marker.Target}.");
        }

        foreach (var marker in document.Markers.Where(
            marker => marker.Kind != MarkerKind.Snippet && SnippetFiles.FindRunnable(marker.Target) is null))
        {
            problems.Add($"{page}:{marker.Line + 1}: docs/snippets has no public static void {marker.Target}().");
        }

        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_block_is_what_its_marker_names(string page)
    {
        var problems = new List<string>();
        var document = Read(page);
        var replacements = new List<(FencedBlock, string)>();
        foreach (var block in document.Blocks)
        {
            var expected = block.Marker switch
            {
                { Kind: MarkerKind.Snippet } marker => SnippetFiles.FindRegion(marker.Target),
                { Kind: MarkerKind.Output } marker when SnippetFiles.FindRunnable(marker.Target) is not null && IsRunnable(marker.Target) =>
                    OutputOf(marker.Target),
                _ => null,
            };
            var actual = document.TextOf(block);
            if (expected is not null && expected != actual)
            {
                problems.Add(
                    $"{page}:{block.Start + 1}: differs from {block.Marker!.Target}. It should be:\n{expected}\nand is:\n{actual}");
                replacements.Add((block, expected));
            }
        }

        if (MustUpdate && replacements.Count > 0)
        {
            File.WriteAllText(document.FilePath, document.With(replacements));
            return;
        }

        Assert.True(
            problems.Count == 0,
            string.Join('\n', [.. problems, "Set BATON_UPDATE_SNIPPETS=1 and run the test again to rewrite the page."]));
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_quoted_message_is_printed_by_its_snippet(string page)
    {
        var document = Read(page);
        var text = string.Join('\n', document.Lines);
        var missing = document.Markers
            .Where(marker => marker.Kind == MarkerKind.Messages && SnippetFiles.FindRunnable(marker.Target) is not null)
            .SelectMany(marker => OutputOf(marker.Target).Split('\n'))
            .Where(line => !text.Contains(line, StringComparison.Ordinal))
            .ToList();

        Assert.True(missing.Count == 0, $"{page} should quote:\n{string.Join('\n', missing)}");
    }

    [Theory]
    [MemberData(nameof(Snippets))]
    public void Every_snippet_runs(string snippet)
    {
        Assert.SkipUnless(IsRunnable(snippet), $"The driver {TestDriver.Name} cannot do what the snippet shows.");
        OutputOf(snippet);
    }

    [Fact]
    public void A_region_loses_the_indentation_that_its_lines_share()
    {
        string[] lines = ["x", "    #region a", "", "        if (b)", "            c();", "        #region inner", "        d();", "        #endregion", "    #endregion"];

        Assert.Equal("if (b)\n    c();\nd();", SnippetFiles.FindRegion(lines, "a"));
        Assert.Equal("d();", SnippetFiles.FindRegion(lines, "inner"));
        Assert.Null(SnippetFiles.FindRegion(lines, "absent"));
    }

    [Fact]
    public void A_marker_belongs_to_the_block_that_follows_at_once()
    {
        var page = MarkdownPage.Parse(
            "page.md", ["<!-- snippet: A.cs#a -->", "", "```csharp", "a();", "```", "<!-- output: A.B -->", "text", "```text", "```"]);

        Assert.Equal("A.cs#a", page.Blocks[0].Marker!.Target);
        Assert.True(page.Blocks[0].IsCSharp);
        Assert.Equal("a();", page.TextOf(page.Blocks[0]));
        Assert.Null(page.Blocks[1].Marker);
        Assert.Equal("b();\nc();", MarkdownPage.Parse("page.md", [.. page.With([(page.Blocks[0], "b();\nc();")]).TrimEnd().Split('\n')]) is var changed
            ? changed.TextOf(changed.Blocks[0])
            : null);
    }

    private static bool IsRunnable(string snippet) => TestDriver.Name == "epoll" || !ForEpoll.Contains(snippet);

    private static MarkdownPage Read(string page) => MarkdownPage.Read(Path.Combine(SnippetFiles.Root, page));

    /// <summary>Runs a snippet, once, and returns what it prints to either stream.</summary>
    private static string OutputOf(string snippet)
    {
        if (Outputs.TryGetValue(snippet, out var known))
        {
            return known;
        }

        var method = SnippetFiles.FindRunnable(snippet)!.CreateDelegate<Action>();
        using var writer = new StringWriter { NewLine = "\n" };
        var synchronized = TextWriter.Synchronized(writer);
        var (output, error) = (Console.Out, Console.Error);
        Console.SetOut(synchronized);
        Console.SetError(synchronized);
        try
        {
            RunGuarded(method, snippet);
        }
        finally
        {
            Console.SetOut(output);
            Console.SetError(error);
        }

        return Outputs[snippet] = writer.ToString().TrimEnd();
    }

    private static void RunGuarded(Action snippet, string name)
    {
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                snippet();
            }
            catch (Exception exception)
            {
                failure = ExceptionDispatchInfo.Capture(exception);
            }
        })
        {
            IsBackground = true,
            Name = name,
        };
        thread.Start();
        Assert.True(thread.Join(Guard), $"{name} did not end within {Guard.TotalSeconds} s.");
        failure?.Throw();
    }
}

/// <summary>Tests that redirect the console, which the whole process shares: they run alone.</summary>
[CollectionDefinition(nameof(ConsoleCollection), DisableParallelization = true)]
public class ConsoleCollection;

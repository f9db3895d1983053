using System.Text.RegularExpressions;

namespace Baton.Tests.Docs;

/// <summary>What a marker in a page asks of the block, or the page, that follows it.</summary>
public enum MarkerKind
{
    /// <summary>The block is a region of a file of snippets: <c>snippet: File.cs#region</c>.</summary>
    Snippet,

    /// <summary>The block is what a snippet prints: <c>output: Type.Method</c>.</summary>
    Output,

    /// <summary>Every line that a snippet prints is somewhere in the page, as messages in its text: <c>messages: Type.Method</c>.</summary>
    Messages,
}

/// <summary>A comment that ties a page to the snippets.</summary>
/// <param name="Kind">What it asks.</param>
/// <param name="Target">The region or the method.</param>
/// <param name="Line">The line of the marker, from 0.</param>
public sealed record Marker(MarkerKind Kind, string Target, int Line);

/// <summary>A fenced block of a page.</summary>
/// <param name="Language">What stands behind the opening fence.</param>
/// <param name="Marker">The marker right before it.</param>
/// <param name="Start">The line of the opening fence, from 0.</param>
/// <param name="End">The line of the closing fence.</param>
public sealed record FencedBlock(string Language, Marker? Marker, int Start, int End)
{
    public bool IsCSharp => Language is "csharp" or "cs" or "c#" or "C#";
}

/// <summary>A page of the documentation, taken apart into its markers and its fenced blocks.</summary>
public sealed partial class MarkdownPage
{
    private MarkdownPage(string path, List<string> lines, List<FencedBlock> blocks, List<Marker> markers)
    {
        FilePath = path;
        Lines = lines;
        Blocks = blocks;
        Markers = markers;
    }

    public string FilePath { get; }

    public List<string> Lines { get; }

    public IReadOnlyList<FencedBlock> Blocks { get; }

    /// <summary>All markers, those without a block included.</summary>
    public IReadOnlyList<Marker> Markers { get; }

    public static MarkdownPage Read(string path) => Parse(path, [.. File.ReadAllLines(path)]);

    public static MarkdownPage Parse(string path, List<string> lines)
    {
        var blocks = new List<FencedBlock>();
        var markers = new List<Marker>();
        Marker? marker = null;
        for (var i = 0; i < lines.Count; i++)
        {
            var line = lines[i];
            if (MarkerPattern().Match(line) is { Success: true } match)
            {
                marker = new Marker(Enum.Parse<MarkerKind>(match.Groups[1].Value, ignoreCase: true), match.Groups[2].Value, i);
                markers.Add(marker);
            }
            else if (line.TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                var fence = line.TrimStart();
                var ticks = fence.TakeWhile(character => character == '`').Count();
                var end = lines.FindIndex(i + 1, other => other.Trim() == fence[..ticks]);
                if (end < 0)
                {
                    throw new InvalidDataException($"{path}:{i + 1}: the block is never closed.");
                }

                blocks.Add(new FencedBlock(fence[ticks..].Trim(), marker, i, end));
                marker = null;
                i = end;
            }
            else if (line.Length > 0)
            {
                // A marker is for the block that follows at once; a blank line in between is allowed.
                marker = null;
            }
        }

        return new MarkdownPage(path, lines, blocks, markers);
    }

    public string TextOf(FencedBlock block) => string.Join('\n', Lines.GetRange(block.Start + 1, block.End - block.Start - 1));

    /// <summary>The page with the contents of some blocks replaced.</summary>
    public string With(IEnumerable<(FencedBlock Block, string Text)> replacements)
    {
        var lines = new List<string>(Lines);
        foreach (var (block, text) in replacements.OrderByDescending(replacement => replacement.Block.Start))
        {
            lines.RemoveRange(block.Start + 1, block.End - block.Start - 1);
            lines.InsertRange(block.Start + 1, text.Split('\n'));
        }

        return string.Join('\n', lines) + "\n";
    }

    [GeneratedRegex(@"^\s*<!-- (snippet|output|messages): (\S+) -->\s*$")]
    private static partial Regex MarkerPattern();
}

namespace Fetch;

/// <summary>An address as it was given, and what it means: a page to fetch, or a problem to report in its place.</summary>
/// <param name="Text">How to call it in the results.</param>
/// <param name="Uri">The page; null where the text is no address.</param>
/// <param name="Problem">What is wrong with the text.</param>
internal sealed record PageAddress(string Text, Uri? Uri, string? Problem = null)
{
    private const int MaximumLength = 100;

    /// <summary>
    /// Understands a piece of text. A malformed one is not an error here: it takes its place in the results like any page that failed.
    /// </summary>
    /// <param name="text">The text.</param>
    /// <param name="source">Where it stands, for the report; nothing for the command line.</param>
    public static PageAddress Parse(string text, string source = "")
    {
        if (Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
            && uri.Host.Length > 0)
        {
            return new PageAddress(uri.AbsoluteUri, uri);
        }

        return new PageAddress($"{source}'{Printable(text)}'", null, "not a complete http:// or https:// address");
    }

    /// <summary>Reads a file of addresses. Blocks until it is read.</summary>
    /// <exception cref="IOException">The file cannot be read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public static IEnumerable<PageAddress> ReadFile(string path)
    {
        var number = 0;
        foreach (var line in File.ReadLines(path))
        {
            number++;
            var text = line.Trim();
            if (text.Length > 0 && text[0] != '#')
            {
                yield return Parse(text, $"{path}:{number}: ");
            }
        }
    }

    /// <summary>Text from outside, made safe to print: on one line, not too long, and without codes that a terminal would obey.</summary>
    private static string Printable(string text)
    {
        var clean = string.Concat(text.Select(character => char.IsControl(character) ? '?' : character));
        return clean.Length <= MaximumLength ? clean : clean[..MaximumLength] + "…";
    }
}

using System.Reflection;

namespace Baton.Tests.Docs;

/// <summary>The snippets of the documentation: their regions as text, and those that can be run.</summary>
internal static class SnippetFiles
{
    public static string Root { get; } = FindRoot();

    public static string Folder => Path.Combine(Root, "docs", "snippets");

    /// <summary>The text of <c>File.cs#region</c>, without the indentation that all its lines share.</summary>
    public static string? FindRegion(string target)
    {
        var parts = target.Split('#');
        var path = Path.Combine(Folder, parts[0]);
        return parts.Length == 2 && File.Exists(path) ? FindRegion(File.ReadAllLines(path), parts[1]) : null;
    }

    public static string? FindRegion(string[] lines, string name)
    {
        var start = Array.FindIndex(lines, line => line.Trim() == $"#region {name}");
        if (start < 0)
        {
            return null;
        }

        var region = new List<string>();
        var depth = 1;
        foreach (var line in lines.Skip(start + 1))
        {
            var directive = line.TrimStart();
            if (directive.StartsWith("#region", StringComparison.Ordinal))
            {
                depth++;
            }
            else if (directive.StartsWith("#endregion", StringComparison.Ordinal))
            {
                if (--depth == 0)
                {
                    return Dedent(region);
                }
            }
            else
            {
                region.Add(line.TrimEnd());
            }
        }

        return null;
    }

    /// <summary>The methods of the snippets that end by themselves: public, static and without parameters.</summary>
    public static IEnumerable<MethodInfo> Runnable() => Assembly.Load("Docs.Snippets").GetExportedTypes()
        .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly))
        .Where(method => method.GetParameters().Length == 0 && method.ReturnType == typeof(void) && !method.IsSpecialName);

    public static MethodInfo? FindRunnable(string name) => Runnable().SingleOrDefault(method => NameOf(method) == name);

    public static string NameOf(MethodInfo method) => $"{method.DeclaringType!.Name}.{method.Name}";

    private static string Dedent(List<string> lines)
    {
        while (lines.Count > 0 && lines[0].Length == 0)
        {
            lines.RemoveAt(0);
        }

        while (lines.Count > 0 && lines[^1].Length == 0)
        {
            lines.RemoveAt(lines.Count - 1);
        }

        var indent = lines.Where(line => line.Length > 0).Select(line => line.Length - line.TrimStart().Length).DefaultIfEmpty().Min();
        return string.Join('\n', lines.Select(line => line.Length == 0 ? line : line[indent..]));
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (folder is not null && !File.Exists(Path.Combine(folder, "Baton.slnx")))
        {
            folder = Path.GetDirectoryName(folder);
        }

        return folder ?? throw new InvalidOperationException($"No folder above {AppContext.BaseDirectory} holds Baton.slnx.");
    }
}

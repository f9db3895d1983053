using System.Globalization;

namespace Baton.Soak;

/// <summary>What the system knows of this process.</summary>
internal static class ProcessCounters
{
    private const string Self = "/proc/self";

    /// <summary>Whether the system tells.</summary>
    internal static bool AreThere { get; } = Directory.Exists($"{Self}/fd") && Directory.Exists($"{Self}/task");

    /// <summary>The open descriptors, and what each is: without the one by which they are listed.</summary>
    internal static SortedDictionary<int, string> Descriptors()
    {
        var descriptors = new SortedDictionary<int, string>();
        foreach (var entry in new DirectoryInfo($"{Self}/fd").EnumerateFileSystemInfos())
        {
            try
            {
                if (entry.LinkTarget is { } target && !IsOthers(target))
                {
                    descriptors.Add(int.Parse(entry.Name, CultureInfo.InvariantCulture), target);
                }
            }
            catch (IOException)
            {
                // Closed meanwhile.
            }
        }

        return descriptors;
    }

    internal static int DescriptorCount() => Directory.EnumerateFileSystemEntries($"{Self}/fd").Count() - 1;

    internal static int ThreadCount() => Directory.EnumerateFileSystemEntries($"{Self}/task").Count();

    /// <summary>The threads whose names begin in a way.</summary>
    internal static List<string> Threads(string prefix) => [.. ReadOfThreads("comm").Select(name => name.Trim()).Where(IsNamed)
        .Where(name => name.StartsWith(prefix, StringComparison.Ordinal))];

    /// <summary>The processes that this one has started and not waited for.</summary>
    internal static List<int> Children() =>
    [
        .. ReadOfThreads("children")
            .SelectMany(list => list.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            .Select(text => int.Parse(text, CultureInfo.InvariantCulture)),
    ];

    /// <summary>The one by which they are listed, and the assemblies, which the runtime loads when it first needs them.</summary>
    private static bool IsOthers(string target) =>
        target.StartsWith("/proc/", StringComparison.Ordinal) || target.EndsWith(".dll", StringComparison.Ordinal);

    private static bool IsNamed(string name) => name.Length > 0;

    private static IEnumerable<string> ReadOfThreads(string file)
    {
        foreach (var folder in Directory.GetDirectories($"{Self}/task"))
        {
            string text;
            try
            {
                text = File.ReadAllText(Path.Combine(folder, file));
            }
            catch (IOException)
            {
                // The thread has ended meanwhile, or the system does not tell.
                continue;
            }

            yield return text;
        }
    }
}

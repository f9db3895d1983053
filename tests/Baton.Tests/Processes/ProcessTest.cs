using System.Globalization;
using System.Text;
using Baton.Drivers;

namespace Baton.Tests.Processes;

/// <summary>What tests of child processes have in common.</summary>
internal static class ProcessTest
{
    /// <summary>The numbers of all children of this process, zombies included.</summary>
    internal static HashSet<int> Children()
    {
        var children = new HashSet<int>();
        foreach (var thread in Directory.EnumerateDirectories("/proc/self/task"))
        {
            try
            {
                foreach (var id in File.ReadAllText($"{thread}/children").Split(' ', StringSplitOptions.RemoveEmptyEntries))
                {
                    children.Add(int.Parse(id, CultureInfo.InvariantCulture));
                }
            }
            catch (IOException)
            {
                // The thread has ended meanwhile.
            }
        }

        return children;
    }

    /// <summary>Whether a process is a child of this one, running or a zombie.</summary>
    internal static bool IsChild(int id) => Children().Contains(id);

    /// <summary>
    /// The pipes whose other end is elsewhere, and the descriptors of processes, that this process has. Others come and go with the
    /// runtime, whose threads each have both ends of a pipe.
    /// </summary>
    internal static string[] Descriptors()
    {
        var all = Directory.EnumerateFileSystemEntries("/proc/self/fd").Select(path => new FileInfo(path).LinkTarget ?? "").ToList();
        return
        [
            .. all.Where(target => target.StartsWith("pipe:", StringComparison.Ordinal)).GroupBy(target => target)
                .Where(ends => ends.Count() == 1).Select(ends => ends.Key),
            .. all.Where(target => target.Contains("pidfd", StringComparison.Ordinal)),
        ];
    }

    /// <summary>Whether there is a process, that is no zombie.</summary>
    internal static bool IsRunning(int id)
    {
        try
        {
            var status = File.ReadAllText($"/proc/{id}/stat");
            return status[(status.LastIndexOf(')') + 2)..][0] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Blocks until a child has ended, and leaves its exit status where it is.</summary>
    internal static void WaitUntilEnded(int id)
    {
        const int ExitedButKept = 4 | 0x01000000; // WEXITED | WNOWAIT
        Assert.Equal(0, new LinuxProcessCalls().Wait(isDescriptor: false, id, ExitedButKept, out _, out _));
    }

    /// <summary>Reads a line that a child prints.</summary>
    internal static async Coroutine<string> ReadLine(Connection connection) =>
        await connection.Input.ReadLineAsync() ?? throw new EndOfStreamException("The child has printed no line.");

    internal static async Coroutine<string> ReadAll(Connection connection)
    {
        using var reader = new StreamReader(connection.AsStream(), Encoding.UTF8, leaveOpen: true);
        return await reader.ReadToEndAsync();
    }

    /// <summary>Options with a pipe for each standard stream.</summary>
    internal static ChildProcessOptions Pipes { get; } = new()
    {
        StandardInput = StandardStream.Pipe,
        StandardOutput = StandardStream.Pipe,
        StandardError = StandardStream.Pipe,
    };
}

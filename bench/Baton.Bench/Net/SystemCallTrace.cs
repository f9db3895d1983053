using System.ComponentModel;
using System.Diagnostics;

namespace Baton.Bench.Net;

/// <summary>strace is there but may not, or could not, trace.</summary>
internal sealed class SystemCallTraceException(string message) : Exception(message);

/// <summary>
/// strace, attached to a server with all its threads, counting: for machines whose kernel does not let us count
/// (<see cref="SystemCallCounter"/>). It stops the server twice a call.
/// </summary>
internal sealed class SystemCallTrace : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    private readonly ChildProcess _strace;
    private readonly string _summary;

    private SystemCallTrace(ChildProcess strace, string summary)
    {
        _strace = strace;
        _summary = summary;
    }

    public static bool IsInstalled()
    {
        try
        {
            using var strace = Process.Start(new ProcessStartInfo("strace", ["-V"]) { RedirectStandardOutput = true })!;
            strace.StandardOutput.ReadToEnd();
            strace.WaitForExit(Limit);
            return true;
        }
        catch (Win32Exception)
        {
            return false;
        }
    }

    public static async Task<SystemCallTrace> AttachAsync(int processId, string folder, CancellationToken cancellation)
    {
        var summary = Path.Combine(folder, $"strace-{processId}");
        var start = new ProcessStartInfo("strace", ["-c", "-f", "-o", summary, "-p", $"{processId}"]) { RedirectStandardError = true };
        var strace = ChildProcess.Start(start, cpu: null);
        try
        {
            var line = await strace.ReadErrorLineAsync(Limit, cancellation);
            if (!line.Contains("attached", StringComparison.Ordinal)) throw new SystemCallTraceException(line);
            return new SystemCallTrace(strace, summary);
        }
        catch
        {
            await strace.DisposeAsync();
            throw;
        }
    }

    public async Task<IReadOnlyDictionary<string, long>> DetachAsync(CancellationToken cancellation)
    {
        await _strace.InterruptAsync(Limit, cancellation);
        return ParseSummary(await File.ReadAllLinesAsync(_summary, cancellation));
    }

    public ValueTask DisposeAsync() => _strace.DisposeAsync();

    // % time     seconds  usecs/call     calls    errors syscall
    // ------ ----------- ----------- --------- --------- ----------------
    //  61.50    0.012345           1     12345           read
    // ------ ----------- ----------- --------- --------- ----------------
    // 100.00    0.020000           1     20000         3 total
    private static Dictionary<string, long> ParseSummary(string[] lines) =>
        lines
            .SkipWhile(line => !line.StartsWith("---", StringComparison.Ordinal))
            .Skip(1)
            .TakeWhile(line => !line.StartsWith("---", StringComparison.Ordinal))
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
            .ToDictionary(fields => fields[^1], fields => long.Parse(fields[3]));
}

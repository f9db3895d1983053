using System.ComponentModel;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Baton.Bench.Micro;

/// <summary>
/// The same benchmarks in asyncio, with whatever the machine calls <c>python3</c>. The script travels inside this assembly.
/// </summary>
internal static class AsyncioPeer
{
    private const string Script = "micro-asyncio.py";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Runs those of the benchmarks that there are in asyncio.</summary>
    public static bool TryRun(IEnumerable<string> names, [NotNullWhen(true)] out AsyncioResults? results, out string? reason)
    {
        results = null;
        var folder = Directory.CreateTempSubdirectory("baton-bench-");
        try
        {
            var script = Path.Combine(folder.FullName, Script);
            using (var embedded = typeof(AsyncioPeer).Assembly.GetManifestResourceStream(Script)
                ?? throw new InvalidOperationException($"{Script} is not embedded in this assembly."))
            using (var file = File.Create(script))
            {
                embedded.CopyTo(file);
            }

            using var python = Process.Start(new ProcessStartInfo("python3", [script, .. names]) { RedirectStandardOutput = true })!;
            var output = python.StandardOutput.ReadToEndAsync();
            if (!python.WaitForExit(Limit))
            {
                python.Kill();
                reason = "python3 did not finish";
                return false;
            }

            if (python.ExitCode != 0)
            {
                reason = $"python3 ended with code {python.ExitCode}";
                return false;
            }

            results = JsonSerializer.Deserialize(output.GetAwaiter().GetResult(), AsyncioJson.Default.AsyncioResults)!;
            reason = null;
            return true;
        }
        catch (Win32Exception)
        {
            reason = "this machine has no python3";
            return false;
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}

/// <summary>What the script prints.</summary>
/// <param name="Python">The version.</param>
/// <param name="Nanoseconds">By name of the benchmark.</param>
internal sealed record AsyncioResults(string Python, IReadOnlyDictionary<string, double> Nanoseconds);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(AsyncioResults))]
internal sealed partial class AsyncioJson : JsonSerializerContext;

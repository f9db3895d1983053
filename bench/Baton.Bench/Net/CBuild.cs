using System.ComponentModel;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace Baton.Bench.Net;

/// <summary>Compiles a peer in C, whose source travels inside this assembly, with whatever the machine calls <c>cc</c>.</summary>
internal static class CBuild
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static bool TryBuild(string sourceName, string folder, [NotNullWhen(true)] out string? program, out string? reason)
    {
        var source = Path.Combine(folder, sourceName);
        program = Path.ChangeExtension(source, null);
        reason = null;

        using (var embedded = typeof(CBuild).Assembly.GetManifestResourceStream(sourceName)
            ?? throw new InvalidOperationException($"{sourceName} is not embedded in this assembly."))
        using (var file = File.Create(source))
        {
            embedded.CopyTo(file);
        }

        try
        {
            using var compiler = Process.Start(new ProcessStartInfo("cc", ["-O2", "-o", program, source]))!;
            if (!compiler.WaitForExit(Limit))
            {
                compiler.Kill();
                reason = "cc did not finish";
            }
            else if (compiler.ExitCode != 0)
            {
                reason = $"cc failed with code {compiler.ExitCode}";
            }
        }
        catch (Win32Exception)
        {
            reason = "this machine has no C compiler called cc";
        }
        return reason is null;
    }
}

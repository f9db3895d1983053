using System.Diagnostics;
using Baton.Drivers;

namespace Baton.Bench.Net;

/// <summary>A server that can be measured: its name, whether it is ours, and how its process comes about.</summary>
internal sealed class NetPeer
{
    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    private readonly Func<NetBenchmark, string, StartInfoOrReason> _prepare;

    private NetPeer(string name, Func<NetBenchmark, string, StartInfoOrReason> prepare, Func<Task>? serve = null)
    {
        Name = name;
        _prepare = prepare;
        Serve = serve;
    }

    public string Name { get; }

    public bool IsOurs { get; private init; }

    /// <summary>Whether it is measured when the user names no servers.</summary>
    public bool IsDefault { get; init; } = true;

    /// <summary>What this program does as this server's process, or null for a server that is another program.</summary>
    public Func<Task>? Serve { get; }

    /// <summary>
    /// A server of this program that runs an event loop until its process ends, on the driver named or, without a name, on the default one.
    /// One that is the reference is what the others are compared with.
    /// </summary>
    public static NetPeer Ours(
        string name, Action serve, bool isDefault = true, string? driver = null, bool isReference = false) =>
        new(name, (benchmark, _) =>
        {
            var start = ChildCommands.Server(benchmark.Name, name);
            if (driver is not null) start.Environment["BATON_DRIVER"] = driver;
            return driver == "iouring" && !IoUringDriver.IsSupported(out var reason) ? new(null, reason) : new(start);
        }, () =>
        {
            serve();
            return Task.CompletedTask;
        })
        {
            IsOurs = !isReference,
            IsDefault = isDefault,
        };

    /// <summary>A server of this program on the BCL's sockets, which complete on the thread pool or, inline, on their own thread.</summary>
    public static NetPeer Bcl(string name, Func<Task> serve, bool inline) =>
        new(name, (benchmark, _) =>
        {
            var start = ChildCommands.Server(benchmark.Name, name);
            // Said both ways, because the harness may have inherited the setting.
            start.Environment[InlineCompletions] = inline ? "1" : "0";
            return new(start);
        }, serve);

    /// <summary>A server in C whose one source file is embedded in this assembly.</summary>
    public static NetPeer InC(string name, string source, params string[] arguments) =>
        new(name, (_, folder) => CBuild.TryBuild(source, folder, out var program, out var reason)
            ? new(new ProcessStartInfo(program, arguments))
            : new(null, reason));

    /// <summary>
    /// How the server is started. Null with the reason when this machine cannot run it.
    /// </summary>
    public ProcessStartInfo? Prepare(NetBenchmark benchmark, string temporaryFolder, out string? reason)
    {
        (var start, reason) = _prepare(benchmark, temporaryFolder);
        return start;
    }

    private readonly record struct StartInfoOrReason(ProcessStartInfo? StartInfo, string? Reason = null);
}

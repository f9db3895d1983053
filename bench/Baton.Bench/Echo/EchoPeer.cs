using System.Diagnostics;

namespace Baton.Bench.Echo;

/// <summary>A server that can be measured: its name, whether it is ours, and how its process is started.</summary>
internal sealed record EchoPeer(string Name, bool IsOurs, Func<ProcessStartInfo> StartInfo)
{
    public const string Baton = "baton";
    public const string BatonRaw = "baton-raw";
    public const string CEpoll = "c-epoll";
    public const string Bcl = "bcl";
    public const string BclInline = "bcl-inline";

    private const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    public static readonly string[] AllNames = [Baton, BatonRaw, CEpoll, Bcl, BclInline];

    /// <summary>Finds the servers by name. One that this machine or this build cannot run is left out with a line that says why.</summary>
    public static IReadOnlyList<EchoPeer> Find(IEnumerable<string> names, string temporaryFolder, TextWriter notes)
    {
        var peers = new List<EchoPeer>();
        foreach (var name in names.Distinct())
        {
            if (Find(name, temporaryFolder, out var reason) is { } peer) peers.Add(peer);
            else notes.WriteLine($"{name} is left out: {reason}");
        }
        return peers;
    }

    private static EchoPeer? Find(string name, string temporaryFolder, out string? reason)
    {
        reason = null;
        switch (name)
        {
            case Baton or BatonRaw:
                return new EchoPeer(name, IsOurs: true, () => EchoChildCommands.BatonServer(raw: name == BatonRaw));
            case CEpoll:
                return CEpollBuild.TryBuild(temporaryFolder, out var program, out reason)
                    ? new EchoPeer(name, IsOurs: false, () => new ProcessStartInfo(program))
                    : null;
            case Bcl or BclInline:
                return new EchoPeer(name, IsOurs: false, () =>
                {
                    var start = EchoChildCommands.SocketServer();
                    // Said both ways, because the harness may have inherited the setting.
                    start.Environment[InlineCompletions] = name == BclInline ? "1" : "0";
                    return start;
                });
            default:
                throw new ArgumentException($"No server is called {name}.", nameof(name));
        }
    }
}

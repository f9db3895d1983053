using System.Net.Sockets;

namespace Baton.Tests.Net.Faults;

/// <summary>What a stream of bytes may run over: the columns of the fault matrix.</summary>
public enum StreamKind
{
    Tcp,
    TcpV6,
    Unix,
}

/// <summary>Two connected ends of each kind.</summary>
internal static class Streams
{
    public static TheoryData<StreamKind> All { get; } = [.. Enum.GetValues<StreamKind>()];

    /// <summary>Connects a client to a server of a kind; the client comes first.</summary>
    public static async Coroutine<(Connection Client, Connection Server)> Connect(StreamKind kind)
    {
        switch (kind)
        {
            case StreamKind.Tcp:
                return await NetTest.Connect();
            case StreamKind.TcpV6:
                LoopSocketTests.SkipWithout(AddressFamily.InterNetworkV6);
                return await NetTest.Connect(AddressFamily.InterNetworkV6);
            default:
                return await ConnectUnix();
        }
    }

    /// <summary>Ends a connection in any state, and gives back what its reader has not.</summary>
    public static void End(Connection connection)
    {
        connection.Abort();
        connection.Dispose();
    }

    /// <summary>A path for a local socket that nobody uses.</summary>
    public static string UnusedPath() => Path.Combine(Path.GetTempPath(), $"baton-{Guid.NewGuid():N}");

    private static async Coroutine<(Connection Client, Connection Server)> ConnectUnix()
    {
        var path = UnusedPath();
        try
        {
            using var listener = LoopSocket.Create(AddressFamily.Unix);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen();
            var client = await Connection.ConnectAsync(new UnixDomainSocketEndPoint(path));
            return (client, new Connection(await listener.AcceptAsync()));
        }
        finally
        {
            File.Delete(path);
        }
    }
}

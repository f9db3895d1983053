using System.Net.Sockets;
using System.Security.Authentication;
using Baton.Tests.Net.Tls;

namespace Baton.Tests.Net.Faults;

/// <summary>What a stream of bytes may run over: the columns of the fault matrix.</summary>
public enum StreamKind
{
    Tcp,
    TcpV6,
    Unix,
    Tls12,
    Tls13,
    TlsInTls,
    TlsOverUnix,
}

/// <summary>Two connected ends of each kind.</summary>
internal static class Streams
{
    public static TheoryData<StreamKind> All { get; } = [.. Enum.GetValues<StreamKind>()];

    /// <summary>Connects a client to a server of a kind; the client comes first.</summary>
    public static async Coroutine<(Connection Client, Connection Server)> Connect(StreamKind kind)
    {
        if (kind == StreamKind.TcpV6)
        {
            LoopSocketTests.SkipWithout(AddressFamily.InterNetworkV6);
            return await NetTest.Connect(AddressFamily.InterNetworkV6);
        }

        var (client, server) = kind is StreamKind.Unix or StreamKind.TlsOverUnix ? Connection.CreatePair() : await NetTest.Connect();
        switch (kind)
        {
            case StreamKind.Tls12:
                await TlsTest.Upgrade(client, server, SslProtocols.Tls12);
                break;
            case StreamKind.Tls13 or StreamKind.TlsOverUnix:
                await TlsTest.Upgrade(client, server, SslProtocols.Tls13);
                break;
            case StreamKind.TlsInTls:
                await TlsTest.Upgrade(client, server);
                await TlsTest.Upgrade(client, server);
                break;
        }

        return (client, server);
    }

    /// <summary>Whether the bytes travel encrypted.</summary>
    public static bool IsTls(StreamKind kind) => kind >= StreamKind.Tls12;

    /// <summary>Ends a connection in any state, and gives back what its reader has not.</summary>
    public static void End(Connection connection)
    {
        connection.Abort();
        connection.Dispose();
    }
}

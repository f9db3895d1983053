using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Net.Counterparts;

/// <summary>A Redis server of the tests' own, on a port of 127.0.0.1 and on a Unix socket.</summary>
public sealed class RedisServer : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CounterpartProcess? _process;

    public RedisServer()
    {
        if (!CounterpartProcess.IsInstalled("redis-server"))
        {
            return;
        }

        var port = CounterpartProcess.FreePort();
        EndPoint = new IPEndPoint(IPAddress.Loopback, port);
        UnixEndPoint = new UnixDomainSocketEndPoint(_folder["redis"]);
        _process = CounterpartProcess.StartServer("redis-server",
        [
            "--bind", "127.0.0.1", "--port", $"{port}", "--unixsocket", _folder["redis"], "--dir", _folder.Path, "--save", "",
            "--appendonly", "no",
        ]);
        _process.WaitForLine("eady to accept connections").GetAwaiter().GetResult();
    }

    public IPEndPoint EndPoint { get; } = new(IPAddress.Loopback, 0);

    public UnixDomainSocketEndPoint? UnixEndPoint { get; }

    public void Dispose()
    {
        _process?.Dispose();
        _folder.Dispose();
    }
}

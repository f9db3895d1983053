using System.Net;
using System.Net.Sockets;

namespace Baton.Tests;

/// <summary>
/// An address of this machine that does not answer: its accept queue is full, so that the system drops whoever asks to connect.
/// </summary>
public sealed class BlackHole : IDisposable
{
    private readonly LoopSocket _listener = LoopSocket.Create(AddressFamily.InterNetwork);
    private readonly LoopSocket _filler = LoopSocket.Create(AddressFamily.InterNetwork);

    private BlackHole()
    {
    }

    public EndPoint EndPoint => _listener.LocalEndPoint!;

    public static async Coroutine<BlackHole> Create()
    {
        var hole = new BlackHole();
        hole._listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        hole._listener.Listen(0); // The system has room for one more than it is told.
        await hole._filler.ConnectAsync(hole.EndPoint);
        return hole;
    }

    public void Dispose()
    {
        _filler.Dispose();
        _listener.Dispose();
    }
}

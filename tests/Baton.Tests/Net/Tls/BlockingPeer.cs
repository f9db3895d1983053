using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Baton.Tests.Net.Tls;

/// <summary>The other end of a connection as the BCL has it, in blocking calls on a thread of its own: nothing of it is Baton's.</summary>
internal static class BlockingPeer
{
    private static readonly int Limit = (int)TimeSpan.FromSeconds(60).TotalMilliseconds;

    /// <summary>Runs something on a thread of its own.</summary>
    internal static Task Run(Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    /// <summary>Connects, and runs something with the stream.</summary>
    internal static Task Connect(EndPoint endPoint, Action<NetworkStream> use) => Run(() =>
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(endPoint);
        Use(socket, use);
    });

    /// <summary>Accepts a number of connections, and runs something with each. Done when all have ended.</summary>
    internal static (EndPoint EndPoint, Task Done) Serve(Action<NetworkStream> use, int count = 1)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(count);
        var endPoint = listener.LocalEndPoint!;
        var done = Run(() =>
        {
            using (listener)
            {
                var all = Enumerable.Range(0, count).Select(_ => listener.Accept()).Select(socket => Run(() => Use(socket, use))).ToArray();
                Task.WaitAll(all);
            }
        });
        return (endPoint, done);
    }

    internal static SslStream StartClient(Stream stream)
    {
        var tls = new SslStream(stream, leaveInnerStreamOpen: true);
        tls.AuthenticateAsClient(TlsTest.ClientOptions());
        return tls;
    }

    internal static SslStream StartServer(Stream stream)
    {
        var tls = new SslStream(stream, leaveInnerStreamOpen: true);
        tls.AuthenticateAsServer(TlsTest.ServerOptions());
        return tls;
    }

    internal static byte[] ReadExactly(Stream stream, int count)
    {
        var bytes = new byte[count];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static void Use(Socket socket, Action<NetworkStream> use)
    {
        socket.ReceiveTimeout = Limit;
        socket.SendTimeout = Limit;
        using var stream = new NetworkStream(socket, ownsSocket: true);
        use(stream);
    }
}

using System.Net.Sockets;
using System.Text;
using Baton;
using Microsoft.Win32.SafeHandles;

namespace DocsSnippets;

public static class UnixSockets
{
    #region server
    public static void Serve() => EventLoop.Run(async Coroutine () =>
    {
        var path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        var endPoint = new UnixDomainSocketEndPoint(path);
        var options = new ServerOptions { SocketFileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite };
        await using (await Server.StartAsync(endPoint, Answer, options))
        {
            await using var client = await Connection.ConnectAsync(endPoint);
            await client.WriteAsync("who am I\n"u8.ToArray());
            Console.WriteLine(await client.Input.ReadLineAsync());
            Console.WriteLine($"the file is there: {File.Exists(path)}");
        }

        Console.WriteLine($"the file is there: {File.Exists(path)}");
    });

    private static async Coroutine Answer(Connection connection)
    {
        await connection.Input.ReadLineAsync();
        var isMyself = connection.PeerCredentials.ProcessId == Environment.ProcessId;
        await connection.WriteAsync(Encoding.UTF8.GetBytes($"this very process: {isMyself}\n"));
    }
    #endregion

    #region abstract
    public static void AbstractName() => EventLoop.Run(async Coroutine () =>
    {
        var endPoint = new UnixDomainSocketEndPoint($"\0baton-example-{Environment.ProcessId}");
        await using var server = await Server.StartAsync(endPoint, Answer);
        await using var client = await Connection.ConnectAsync(endPoint);
        await client.WriteAsync("\n"u8.ToArray());
        Console.WriteLine(await client.Input.ReadLineAsync());
    });
    #endregion

    #region pair
    public static void Pair() => EventLoop.Run(async Coroutine () =>
    {
        var (first, second) = Connection.CreatePair();
        await using (first)
        await using (second)
        {
            await first.WriteAsync("hello\n"u8.ToArray());
            Console.WriteLine(await second.Input.ReadLineAsync());
        }
    });
    #endregion

    #region descriptors
    public static void PassFile() => EventLoop.Run(async Coroutine () =>
    {
        var (first, second) = Connection.CreatePair();
        await using (first)
        await using (second)
        {
            using (var file = File.OpenHandle("/dev/zero"))
            {
                await first.SendDescriptorsAsync("zeros"u8.ToArray(), file);
            }

            var buffer = new byte[16];
            using var message = await second.ReceiveDescriptorsAsync(buffer, maximumDescriptors: 1);
            Console.WriteLine($"{Encoding.UTF8.GetString(buffer, 0, message.Length)}, {message.DescriptorCount} descriptor");
            using SafeFileHandle received = message.TakeFile(0); // what is not taken is closed with the message
            using var stream = new FileStream(received, FileAccess.Read);
            Console.WriteLine(stream.ReadByte());
        }
    });
    #endregion

    #region pass-socket
    /// <summary>Gives a client to another process, which serves it from here on.</summary>
    private static async Coroutine HandOver(LoopSocket client, Connection worker)
    {
        using var socket = client.Detach(); // from here on the BCL's
        await worker.SendDescriptorsAsync("c"u8.ToArray(), socket.SafeHandle);
    }

    private static async Coroutine ServeHandedOver(Connection manager)
    {
        using var message = await manager.ReceiveDescriptorsAsync(new byte[1]);
        await using var client = new Connection(LoopSocket.FromHandle(message.TakeSocket(0)));
        await client.WriteAsync("served by the worker\n"u8.ToArray());
    }
    #endregion

    public static void PassSocket() => EventLoop.Run(async Coroutine () =>
    {
        var (manager, worker) = Connection.CreatePair();
        var (peer, client) = LoopSocket.CreatePair();
        await using (manager)
        await using (worker)
        await using (var reader = new Connection(peer))
        {
            await HandOver(client, worker);
            await ServeHandedOver(manager);
            Console.WriteLine(await reader.Input.ReadLineAsync());
        }
    });

    #region datagrams
    public static void Datagrams() => EventLoop.Run(async Coroutine () =>
    {
        var path = new UnixDomainSocketEndPoint(Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()));
        using var server = UnixDatagramSocket.Bind(path);
        using var client = UnixDatagramSocket.Bind(null); // a free abstract name, so that it can be answered
        var buffer = new byte[1024];

        await client.SendToAsync("ping"u8.ToArray(), path);
        var question = await server.ReceiveFromAsync(buffer);
        await server.SendToAsync(buffer.AsMemory(0, question.Length), question.Sender!);
        var answer = await client.ReceiveFromAsync(buffer);
        Console.WriteLine(Encoding.UTF8.GetString(buffer, 0, answer.Length));
    });
    #endregion

    #region adopt
    public static void Adopt() => EventLoop.Run(async Coroutine () =>
    {
        // A socket that somebody else has made: a library, a parent process, systemd.
        var (mine, theirs) = LoopSocket.CreatePair();
        Socket ofTheBcl = theirs.Detach();

        await using var connection = new Connection(LoopSocket.FromSocket(ofTheBcl));
        await using var peer = new Connection(mine);
        await peer.WriteAsync("adopted\n"u8.ToArray());
        Console.WriteLine(await connection.Input.ReadLineAsync());
    });
    #endregion

    public static void Messages() => EventLoop.Run(async Coroutine () =>
    {
        var folder = Directory.CreateTempSubdirectory();
        try
        {
            var path = Path.Combine(folder.FullName, "s");
            var endPoint = new UnixDomainSocketEndPoint(path);
            await Print(path, async () => await Connection.ConnectAsync(endPoint));
            await File.WriteAllTextAsync(path, "");
            await Print(path, async () => await Server.StartAsync(endPoint, Answer));
            File.Delete(path);
            await using var server = await Server.StartAsync(endPoint, Answer);
            await Print(path, async () => await Server.StartAsync(endPoint, Answer));
            await Print(path, async () =>
            {
                using var socket = UnixDatagramSocket.Create();
                await socket.SendToAsync(new byte[1], endPoint);
            });
            var lonely = LoopSocket.Create(AddressFamily.Unix);
            await Print(path, async () =>
            {
                await Coroutine.Yield();
                _ = lonely.PeerCredentials;
            });
            lonely.Dispose();
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    });

    private static async Coroutine Print(string path, Func<Coroutine> failing)
    {
        try
        {
            await failing();
        }
        catch (SocketException exception)
        {
            Console.WriteLine(exception.Message.Replace(path, "/run/app.sock", StringComparison.Ordinal));
        }
    }
}

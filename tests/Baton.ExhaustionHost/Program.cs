using System.Net;
using System.Net.Sockets;
using Baton;

// Started with few descriptors, this uses them up, says how every operation fails meanwhile, gives them back and goes on. The test reads
// what it prints.
var reports = 0;
EventLoop.Run(Main, new EventLoopOptions
{
    ExceptionHandler = (_, report) =>
    {
        reports++;
        Console.WriteLine($"reported: {report.Message}: {(report.Exception as SocketException)?.SocketErrorCode}");
    },
});
Console.WriteLine($"reports {reports}");

async Coroutine Main()
{
    await using var server = await Server.StartAsync("127.0.0.1", 0, Echo, new ServerOptions { Backlog = 1000 });
    var endPoint = server.EndPoints[0];
    Console.WriteLine(EventLoop.Current.Driver.Name);

    // Once through everything, so that nothing has to be loaded when there is nothing left to load it with.
    await using (var bystander = await Connection.ConnectAsync(endPoint))
    {
        await Exchange(bystander);
        await ConnectUntilRefused(endPoint, 3);

        var (connections, failure) = await ConnectUntilRefused(endPoint, int.MaxValue);
        Console.WriteLine($"connect: {Describe(failure!)}");
        try
        {
            using var socket = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
            Console.WriteLine("a descriptor is left");
        }
        catch (SocketException exception)
        {
            Console.WriteLine($"create: {Describe(exception)}");
        }

        // Those that are there go on, and the server says that it cannot take more.
        await Exchange(bystander);
        while (reports == 0)
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        }

        foreach (var connection in connections)
        {
            connection.Abort();
        }
    }

    await using (var late = await Connection.ConnectAsync(endPoint))
    {
        await Exchange(late);
    }

    while (server.ConnectionCount > 0)
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
    }

    // What is left is the listener.
    Console.WriteLine($"open {EventLoop.Current.Driver.OpenSocketCount}");
}

static async Coroutine<(List<Connection> Connections, SocketException? Failure)> ConnectUntilRefused(EndPoint endPoint, int most)
{
    var connections = new List<Connection>();
    while (connections.Count < most)
    {
        try
        {
            connections.Add(await Connection.ConnectAsync(endPoint));
        }
        catch (SocketException exception)
        {
            return (connections, exception);
        }
    }

    foreach (var connection in connections)
    {
        connection.Abort();
    }

    return ([], null);
}

static async Coroutine Exchange(Connection connection)
{
    await connection.WriteAsync(new byte[] { 1, 2, 3 });
    await connection.Input.ReadExactlyAsync(3);
    Console.WriteLine("echo");
}

static async Coroutine Echo(Connection connection)
{
    try
    {
        while (true)
        {
            await connection.WriteAsync(await connection.Input.ReadExactlyAsync(3));
        }
    }
    catch (IOException)
    {
        // The client has gone, in whatever way.
    }
}

static string Describe(SocketException exception) => $"{exception.SocketErrorCode}: {exception.Message}";

using System.Net;

namespace Baton.Soak.Workloads;

/// <summary>Looks names up, connects by name, and loses patience at both.</summary>
internal sealed class NameWorkload : Workload
{
    private Server _server = null!;

    public override string Name => "Name";

    public override async Coroutine StartAsync(SoakPhase phase) =>
        _server = await Server.StartAsync("localhost", 0, WaitForEndAsync);

    public override async Coroutine StopAsync() => await _server.ShutdownAsync(TimeSpan.FromSeconds(20));

    private static async Coroutine WaitForEndAsync(Connection connection)
    {
        try
        {
            await connection.Input.ReadAsync();
        }
        catch (IOException)
        {
            connection.Abort();
        }
    }

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        if (worker.Chance(0.4))
        {
            var addresses = await NameResolution.GetHostAddressesAsync("localhost");
            SoakException.ThrowUnless(addresses.Length > 0 && addresses.All(IPAddress.IsLoopback), "localhost is somewhere else.");
            return;
        }

        var port = ((IPEndPoint)_server.EndPoints[0]).Port;
        if (worker.Chance(0.5))
        {
            await using var connection = await Connection.ConnectAsync("localhost", port);
            return;
        }

        await worker.Abuse(async Coroutine () => await (await Connection.ConnectAsync("localhost", port)).CloseAsync(), 2);
    }
}

using System.Runtime.InteropServices;

namespace Baton.Soak.Workloads;

/// <summary>Passes pipes to the other end of a local connection, which reads what is in them, or loses interest.</summary>
internal sealed class DescriptorWorkload : Workload
{
    public override string Name => "Descriptor";

    public override string? WhyNot(SoakPhase phase) => OperatingSystem.IsLinux() ? null : "Descriptors are passed on Linux only.";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        var (client, server) = Connection.CreatePair();
        await using var one = client;
        await using var two = server;
        var pattern = worker.NextPattern();
        var length = 1 + worker.Length(3000);
        if (worker.Chance(0.7))
        {
            await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(SendAsync(client, pattern, length));
                await ReceiveAsync(server, pattern, length);
            });
            return;
        }

        await worker.Abuse(async Coroutine () =>
        {
            await SendAsync(client, pattern, length);
            await ReceiveAsync(server, pattern, length);
        });
        client.Abort();
    }

    private static async Coroutine SendAsync(Connection connection, Pattern pattern, int length)
    {
        var (reader, writer) = LoopPipe.CreateWriter();
        using var handle = reader;
        await using var pipe = writer;
        SafeHandle[] handles = [handle];
        await connection.SendDescriptorsAsync(new byte[] { 1 }, handles);
        handle.Dispose();
        await pipe.WriteAsync(pattern.Make(0, length));
    }

    private static async Coroutine ReceiveAsync(Connection connection, Pattern pattern, int length)
    {
        using var message = await connection.ReceiveDescriptorsAsync(new byte[1]);
        SoakException.ThrowUnless(
            message is { Length: 1, DescriptorCount: 1 }, $"{message.Length} bytes and {message.DescriptorCount} descriptors came.");
        await using var pipe = Connection.FromHandle(message.TakeFile(0), FileAccess.Read);
        pattern.Check(await pipe.Input.ReadToEndAsync(), 0);
    }
}

namespace Baton.Soak.Workloads;

/// <summary>
/// Files: written and read in pieces, at offsets, given up in the middle, renamed, listed, deleted; and sent over connections.
/// </summary>
internal sealed class FileWorkload : Workload
{
    private const int MostBytes = 300_000;

    public override string Name => "File";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        var path = Path.Combine(worker.Phase.Folder, $"{worker.Name}-{worker.RoundCount}");
        var pattern = worker.NextPattern();
        var length = worker.Length(MostBytes);
        try
        {
            await WriteAsync(worker, path, pattern, length);
            await CheckAsync(worker, path, pattern, length);
            if (worker.Chance(0.4))
            {
                await SendAsync(worker, path, pattern, length);
            }

            if (worker.Chance(0.3))
            {
                await worker.Abuse(async Coroutine () => await CheckAsync(worker, path, pattern, length), 2);
            }

            var status = await LoopFile.StatAsync(path);
            SoakException.ThrowUnless(status.Length == length, $"The file has {status.Length} bytes instead of {length}.");
            var moved = $"{path}.moved";
            await LoopFile.RenameAsync(path, moved);
            SoakException.ThrowUnless(await LoopFile.DeleteAsync(moved), "The file is not where it was moved to.");
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static async Coroutine WriteAsync(SoakWorker worker, string path, Pattern pattern, int length)
    {
        if (worker.Chance(0.3))
        {
            await LoopFile.WriteAllBytesAsync(path, pattern.Make(0, length));
            return;
        }

        await using var file = await LoopFile.OpenAsync(path, FileMode.CreateNew, FileAccess.Write);
        var offset = 0;
        while (offset < length)
        {
            var count = Math.Min(length - offset, 1 + worker.Random.Next(50_000));
            if (worker.Chance(0.3))
            {
                var half = count / 2;
                await file.WriteAsync([pattern.Make(offset, half), pattern.Make(offset + half, count - half)], offset);
            }
            else
            {
                await file.WriteAsync(pattern.Make(offset, count), offset);
            }

            offset += count;
        }

        if (worker.Chance(0.2))
        {
            await file.FlushAsync(dataOnly: true);
        }
    }

    private static async Coroutine CheckAsync(SoakWorker worker, string path, Pattern pattern, int length)
    {
        await using var file = await LoopFile.OpenAsync(path);
        if (worker.Chance(0.3))
        {
            var bytes = await file.ReadAllAsync();
            SoakException.ThrowUnless(bytes.Length == length, $"{bytes.Length} bytes were read instead of {length}.");
            pattern.Check(bytes, 0);
            return;
        }

        var buffer = new byte[1 + worker.Random.Next(50_000)];
        var offset = 0;
        int count;
        while ((count = await file.ReadAsync(buffer, offset)) > 0)
        {
            pattern.Check(buffer.AsSpan(0, count), offset);
            offset += count;
        }

        SoakException.ThrowUnless(offset == length, $"The file ended after {offset} of {length} bytes.");
    }

    private static async Coroutine SendAsync(SoakWorker worker, string path, Pattern pattern, int length)
    {
        var (client, server) = Connection.CreatePair();
        await using var one = client;
        await using var two = server;
        if (worker.Chance(0.3))
        {
            await Coroutine.Gather(
                client.UpgradeToTlsAsync(worker.Phase.Certificate.ClientOptions()),
                server.UpgradeToTlsAsync(worker.Phase.Certificate.ServerOptions()));
        }

        await using var file = await LoopFile.OpenAsync(path);
        var start = worker.Random.Next(length + 1);
        if (worker.Chance(0.7))
        {
            await TaskGroup.Run(async Coroutine (group) =>
            {
                var sending = group.CreateTask(client.SendFileAsync(file, start));
                var random = new Random(worker.Random.Next());
                var reading = length - start;
                await ReadFromAsync(server, pattern, start, reading, random);
                var sent = await sending;
                SoakException.ThrowUnless(sent == reading, $"{sent} bytes of a file were sent instead of {reading}.");
            });
            return;
        }

        try
        {
            await worker.Abuse(async Coroutine () => await client.SendFileAsync(file, start), 1);
        }
        finally
        {
            client.Abort();
            server.Abort();
        }
    }

    private static async Coroutine ReadFromAsync(Connection connection, Pattern pattern, int offset, int count, Random random)
    {
        while (count > 0)
        {
            var bytes = await connection.Input.ReadSomeAsync(1 + random.Next(20_000));
            SoakException.ThrowUnless(bytes.Length is > 0 && bytes.Length <= count, $"{bytes.Length} bytes came where {count} were left.");
            pattern.Check(bytes, offset);
            offset += bytes.Length;
            count -= bytes.Length;
        }
    }
}

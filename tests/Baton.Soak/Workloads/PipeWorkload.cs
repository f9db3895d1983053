namespace Baton.Soak.Workloads;

/// <summary>Pipes and pseudo terminals as connections.</summary>
internal sealed class PipeWorkload : Workload
{
    private const int MostBytes = 200_000;

    public override string Name => "Pipe";

    public override string? WhyNot(SoakPhase phase) => OperatingSystem.IsLinux() ? null : "Pipes are connections on Linux only.";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        if (worker.Chance(0.8))
        {
            await RunPipeAsync(worker);
        }
        else
        {
            await RunTerminalAsync(worker);
        }
    }

    private static async Coroutine RunPipeAsync(SoakWorker worker)
    {
        var (reader, writer) = Connection.CreatePipe();
        await using var one = reader;
        await using var two = writer;
        var pattern = worker.NextPattern();
        var length = worker.Length(MostBytes);
        if (worker.Chance(0.6))
        {
            await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(WriteAsync(writer, pattern, length, new Random(worker.Random.Next())));
                await Streams.ReadAsync(reader, pattern, length, new Random(worker.Random.Next()));
                await Streams.ReadEndAsync(reader);
            });
            return;
        }

        var writing = worker.Disturb(WriteAsync(writer, pattern, length, new Random(worker.Random.Next())), task =>
        {
            switch (worker.Random.Next(3))
            {
                case 0:
                    reader.Abort();
                    break;
                case 1:
                    writer.Abort();
                    break;
                default:
                    task.Cancel();
                    break;
            }
        });
        await TaskGroup.Run(async Coroutine (group) =>
        {
            var reading = group.CreateTask(ReadWhatComesAsync(reader, pattern, length, new Random(worker.Random.Next())));
            await writing;
            writer.Abort();
            reader.Abort();
            reading.Cancel();
        });
    }

    private static async Coroutine WriteAsync(Connection writer, Pattern pattern, int length, Random random)
    {
        await Streams.WriteAsync(writer, pattern, length, random);
        await writer.CompleteOutputAsync();
    }

    private static async Coroutine ReadWhatComesAsync(Connection reader, Pattern pattern, int length, Random random)
    {
        try
        {
            await Streams.ReadAsync(reader, pattern, length, random);
        }
        catch (Exception exception) when (exception is IOException or InvalidOperationException)
        {
            // Either end goes when it likes.
        }
    }

    /// <summary>A terminal in raw mode carries bytes as they are.</summary>
    private static async Coroutine RunTerminalAsync(SoakWorker worker)
    {
        await using var terminal = PseudoTerminal.Open();
        using var raw = terminal.EnterRawMode();
        await using var slave = Connection.FromHandle(terminal.OpenSlave());
        var pattern = worker.NextPattern();
        var length = worker.Length(5000);
        await TaskGroup.Run(async Coroutine (group) =>
        {
            var (from, to) = worker.Chance(0.5) ? (terminal.Connection, slave) : (slave, terminal.Connection);
            _ = group.CreateTask(Streams.WriteAsync(from, pattern, length, new Random(worker.Random.Next())));
            await Streams.ReadAsync(to, pattern, length, new Random(worker.Random.Next()));
        });
    }
}

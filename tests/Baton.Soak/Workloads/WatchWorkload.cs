using Microsoft.Win32.SafeHandles;

namespace Baton.Soak.Workloads;

/// <summary>Watches descriptors that are not the driver's: pipes that this writes to and reads from itself.</summary>
internal sealed class WatchWorkload : Workload
{
    public override string Name => "Watch";

    public override int WorkerCount => 1;

    public override string? WhyNot(SoakPhase phase) => OperatingSystem.IsLinux() ? null : "Descriptors are watched on Linux only.";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        var (reader, writer) = LoopPipe.CreateHandles();
        using var one = reader;
        using var two = writer;
        var pattern = worker.NextPattern();
        for (var i = worker.Random.Next(10); i > 0; i--)
        {
            if (worker.Chance(0.2))
            {
                // Nothing is there to be read.
                var isReadable = await CancelScope.Run(async Coroutine (_) => await worker.Loop.WaitReadableAsync(reader), worker.Time(1));
                SoakException.ThrowUnless(!isReadable, "An empty pipe is said to be readable.");
            }

            await worker.Loop.WaitWritableAsync(writer);
            var waiting = worker.Chance(0.5) ? WaitAsync(worker.Loop, reader) : WaitByCallbackAsync(worker.Loop, reader);
            var task = Coroutine.Start(waiting);
            await worker.Pause();
            LibC.WriteToPipe(writer, pattern.Make(0, 100));
            await task;
            var buffer = new byte[100];
            SoakException.ThrowUnless(LibC.ReadFromPipe(reader, buffer) == 100, "What was written is not there.");
            pattern.Check(buffer, 0);
        }
    }

    private static async Coroutine WaitAsync(EventLoop loop, SafeFileHandle reader) => await loop.WaitReadableAsync(reader);

    private static async Coroutine WaitByCallbackAsync(EventLoop loop, SafeFileHandle reader)
    {
        var readable = loop.CreateFuture();
        loop.AddReader(reader, () => readable.TrySetResult());
        try
        {
            await readable;
        }
        finally
        {
            loop.RemoveReader(reader);
        }
    }
}

using System.Runtime.InteropServices;

namespace Baton.Soak.Workloads;

/// <summary>
/// Signals that the process sends itself, of the kind that the system queues: as many arrive as were sent. Each worker has its own.
/// </summary>
internal sealed class SignalWorkload : Workload
{
    /// <summary>The first of some real-time signals that neither the runtime nor glibc uses.</summary>
    private const int First = 50;

    public override string Name => "Signal";

    public override string? WhyNot(SoakPhase phase) => OperatingSystem.IsLinux() ? null : "The numbers are Linux's.";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        var number = First + worker.Number;
        var signal = (PosixSignal)number;
        if (worker.Chance(0.3))
        {
            var waiting = Coroutine.Start(worker.Loop.WaitForSignalAsync(signal));
            await Coroutine.Yield();
            LibC.SendSignal(number);
            SoakException.ThrowUnless(await waiting == signal, "Another signal came.");
            return;
        }

        var counts = new int[1 + worker.Random.Next(3)];
        var sent = 1 + worker.Random.Next(20);
        var all = worker.Loop.CreateFuture();
        var handlers = new List<SignalRegistration>();
        for (var i = 0; i < counts.Length; i++)
        {
            var index = i;
            handlers.Add(worker.Loop.AddSignalHandler(signal, () =>
            {
                counts[index]++;
                if (counts.All(count => count >= sent))
                {
                    all.TrySetResult();
                }
            }));
        }

        try
        {
            for (var i = 0; i < sent; i++)
            {
                LibC.SendSignal(number);
            }

            await all;
            await worker.Pause();
            SoakException.ThrowUnless(counts.All(count => count == sent), $"{string.Join(", ", counts)} signals arrived of {sent}.");
        }
        finally
        {
            handlers.ForEach(handler => handler.Dispose());
        }
    }
}

using System.Diagnostics;

namespace Baton.Bench.Net;

/// <summary>
/// Starts child processes on one CPU. Affinity belongs to a thread and is inherited at fork, so the child is started from a thread
/// that was pinned first: every thread of the child is pinned from its first instruction, whatever its language, and a .NET child
/// sees one processor (it makes one socket engine, not one for each processor of the machine).
/// </summary>
internal static unsafe class CpuPinning
{
    private const int MaskBytes = 128;

    /// <summary>The CPUs this process may use, in order.</summary>
    public static IReadOnlyList<int> AllowedCpus()
    {
        var mask = stackalloc byte[MaskBytes];
        new Span<byte>(mask, MaskBytes).Clear();
        Libc.Check(Libc.sched_getaffinity(0, MaskBytes, mask), "sched_getaffinity");

        var cpus = new List<int>();
        for (var cpu = 0; cpu < MaskBytes * 8; cpu++)
        {
            if ((mask[cpu / 8] & (1 << (cpu % 8))) != 0) cpus.Add(cpu);
        }
        return cpus;
    }

    /// <summary>Starts <paramref name="process"/> on <paramref name="cpu"/>, or anywhere when that is null.</summary>
    public static void Start(Process process, int? cpu)
    {
        if (cpu is null)
        {
            process.Start();
            return;
        }

        // A thread of its own takes its affinity with it when it ends; the caller's is never touched.
        Exception? failure = null;
        var starter = new Thread(() =>
        {
            try
            {
                PinCurrentThread(cpu.Value);
                process.Start();
            }
            catch (Exception exception)
            {
                failure = exception;
            }
        });
        starter.Start();
        starter.Join();
        if (failure is not null)
            throw new InvalidOperationException($"Cannot start {process.StartInfo.FileName}: {failure.Message}", failure);
    }

    private static void PinCurrentThread(int cpu)
    {
        var mask = stackalloc byte[MaskBytes];
        new Span<byte>(mask, MaskBytes).Clear();
        mask[cpu / 8] = (byte)(1 << (cpu % 8));
        Libc.Check(Libc.sched_setaffinity(0, MaskBytes, mask), "sched_setaffinity");
    }
}

using System.Diagnostics;
using System.Globalization;

namespace Baton.Bench.Processes;

/// <summary>Starts children and waits for them, so many at once.</summary>
internal static class SpawnWorker
{
    public static int RunBaton(string program)
    {
        using var loop = new EventLoop();
        TurnPeer.Serve(
            "Baton",
            work => Measure(work, (count, concurrency) => loop.RunUntilComplete(StartAll(program, count, concurrency))));
        return 0;
    }

    public static int RunBcl(string program)
    {
        TurnPeer.Serve(
            "System.Diagnostics.Process",
            work => Measure(work, (count, concurrency) => StartAllByBclAsync(program, count, concurrency).GetAwaiter().GetResult()));
        return 0;
    }

    private static double Measure(string work, Action<int, int> run)
    {
        var numbers = Array.ConvertAll(work.Split(' '), text => int.Parse(text, CultureInfo.InvariantCulture));
        var start = Stopwatch.GetTimestamp();
        run(numbers[0], numbers[1]);
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Coroutine StartAll(string program, int count, int concurrency) =>
        await Coroutine.Gather(Enumerable.Range(0, concurrency).Select(_ => StartSome(program, count / concurrency)));

    private static async Coroutine StartSome(string program, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await using var child = ChildProcess.Start(program);
            if (await child.WaitForExitAsync() != 0)
            {
                throw new InvalidOperationException($"{child} failed.");
            }
        }
    }

    private static Task StartAllByBclAsync(string program, int count, int concurrency) =>
        Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => StartSomeByBclAsync(program, count / concurrency)));

    private static async Task StartSomeByBclAsync(string program, int count)
    {
        for (var i = 0; i < count; i++)
        {
            using var child = Process.Start(new ProcessStartInfo(program))!;
            await child.WaitForExitAsync();
            if (child.ExitCode != 0)
            {
                throw new InvalidOperationException($"{program} failed.");
            }
        }
    }
}

using System.Globalization;
using System.Text;

namespace Baton.Soak.Workloads;

/// <summary>Children: fed and read, stopped, killed and given up while they run.</summary>
internal sealed class ChildWorkload : Workload
{
    private static readonly string[] NoArguments = [];

    public override string Name => "Child";

    public override string? WhyNot(SoakPhase phase) => ChildProcess.IsSupported ? null : "Children need Linux.";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        switch (worker.Random.Next(5))
        {
            case 0:
                await CommunicateAsync(worker);
                break;
            case 1:
                await ConverseAsync(worker);
                break;
            case 2:
                await ExitAsync(worker);
                break;
            case 3:
                await StopAsync(worker);
                break;
            default:
                await worker.Abuse(async Coroutine () => await CommunicateAsync(worker), 20);
                break;
        }
    }

    /// <summary>All that goes in comes out again.</summary>
    private static async Coroutine CommunicateAsync(SoakWorker worker)
    {
        var pattern = worker.NextPattern();
        var input = pattern.Make(0, worker.Length(200_000));
        await using var child = ChildProcess.Start(
            "cat", NoArguments, new ChildProcessOptions { StandardInput = StandardStream.Pipe, StandardOutput = StandardStream.Pipe });
        var result = await child.CommunicateAsync(input);
        SoakException.ThrowUnless(result.ExitCode == 0, $"cat ended with {result.ExitCode}.");
        SoakException.ThrowUnless(result.Output.Length == input.Length, $"{result.Output.Length} bytes came back of {input.Length}.");
        pattern.Check(result.Output, 0);
    }

    private static async Coroutine ConverseAsync(SoakWorker worker)
    {
        await using var child = ChildProcess.Start(
            "cat", NoArguments, new ChildProcessOptions { StandardInput = StandardStream.Pipe, StandardOutput = StandardStream.Pipe });
        var pattern = worker.NextPattern();
        var length = worker.Length(50_000);
        await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Streams.WriteAsync(child.StandardInput!, pattern, length, new Random(worker.Random.Next())));
            await Streams.ReadAsync(child.StandardOutput!, pattern, length, new Random(worker.Random.Next()));
        });
        await child.StandardInput!.CompleteOutputAsync();
        await Streams.ReadEndAsync(child.StandardOutput!);
        SoakException.ThrowUnless(await child.WaitForExitAsync() == 0, $"cat ended with {child.ExitCode}.");
    }

    private static async Coroutine ExitAsync(SoakWorker worker)
    {
        var code = worker.Random.Next(100);
        var result = await ChildProcess.RunAsync("sh", "-c", $"echo {code}; exit {code}");
        SoakException.ThrowUnless(result.ExitCode == code, $"The child ended with {result.ExitCode} instead of {code}.");
        var text = Encoding.ASCII.GetString(result.Output).Trim();
        SoakException.ThrowUnless(text == code.ToString(CultureInfo.InvariantCulture), $"The child printed '{text}' instead of {code}.");
    }

    private static async Coroutine StopAsync(SoakWorker worker)
    {
        await using var child = ChildProcess.Start("sleep", "1000");
        await worker.Pause();
        switch (worker.Random.Next(4))
        {
            case 0:
                child.Kill();
                await child.WaitForExitAsync();
                break;
            case 1:
                child.Terminate();
                await child.WaitForExitAsync();
                break;
            case 2:
                await child.StopAsync();
                break;
            default:
                await worker.Abuse(async Coroutine () => await child.WaitForExitAsync(), 3);
                break;
        }
    }
}

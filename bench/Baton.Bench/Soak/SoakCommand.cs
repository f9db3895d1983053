using System.CommandLine;
using Baton.Drivers;
using Baton.Soak;
using Baton.Soak.Faults;
using Baton.Soak.Workloads;

namespace Baton.Bench.Soak;

/// <summary><c>soak</c>: all kinds of work on all drivers, for as long as one likes, with faults; and nothing may be left.</summary>
internal static class SoakCommand
{
    /// <summary>A loop that shows no life for so long is blocked.</summary>
    private static readonly TimeSpan SilenceLimit = TimeSpan.FromSeconds(90);

    private static readonly SoakDriver[] Drivers =
    [
        new("epoll", static () => new EpollDriver()),
        new("iouring", static () => new IoUringDriver()),
        new("portable", static () => new PortableDriver()),
    ];

    public static Command Create()
    {
        var minutes = new Option<double>("--minutes") { Description = "How long to go on.", DefaultValueFactory = _ => 2 };
        var seed = new Option<int?>("--seed") { Description = "What chance follows from; another one each time unless given." };
        var driver = new Option<string?>("--driver") { Description = "One driver instead of all in turn." };
        driver.AcceptOnlyFromAmong([.. Drivers.Select(entry => entry.Name)]);
        var plan = new Option<string?>("--faults") { Description = "One plan of faults instead of all in turn." };
        plan.AcceptOnlyFromAmong(FaultPlan.None.Name, FaultPlan.Subtle.Name, FaultPlan.Harsh.Name);
        var only = new Option<string[]>("--only") { Description = "Some workloads instead of all.", AllowMultipleArgumentsPerToken = true };
        var turn = new Option<double>("--turn")
        {
            Description = "Seconds after which it is another driver's turn.",
            DefaultValueFactory = _ => 5,
        };
        var command = new Command("soak", "Does all kinds of work on all drivers, with faults, and checks that nothing is left.")
        {
            minutes,
            seed,
            driver,
            plan,
            only,
            turn,
        };
        command.SetAction(parsed => Run(new SoakOptions
        {
            Seed = parsed.GetValue(seed) ?? Random.Shared.Next(),
            Drivers = [.. Drivers.Where(entry => parsed.GetValue(driver) is { } name ? entry.Name == name : IsSupported(entry))],
            Plans = [.. new[] { FaultPlan.None, FaultPlan.Subtle, FaultPlan.Harsh }
                .Where(entry => parsed.GetValue(plan) is not { } name || entry.Name == name)],
            Workloads = [.. All.Create()
                .Where(workload => parsed.GetValue(only) is not { Length: > 0 } names || names.Contains(workload.Name))],
            Duration = TimeSpan.FromMinutes(parsed.GetValue(minutes)),
            Turn = TimeSpan.FromSeconds(parsed.GetValue(turn)),
            Output = Console.Out,
            HandlesSignals = true,
        }));
        return command;
    }

    private static bool IsSupported(SoakDriver driver)
    {
        var whyNot = "";
        var isSupported = driver.Name switch
        {
            "epoll" => EpollDriver.IsSupported,
            "iouring" => IoUringDriver.IsSupported(out whyNot),
            _ => true,
        };
        if (!isSupported)
        {
            Console.WriteLine($"without {driver.Name}: {whyNot}");
        }

        return isSupported;
    }

    private static int Run(SoakOptions options)
    {
        using var run = new SoakRun(options);
        using var watch = new Timer(_ => EndIfBlocked(run), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        try
        {
            return run.Run() ? 0 : 1;
        }
        catch (InterruptedException interrupted)
        {
            Console.Error.WriteLine($"Interrupted by {interrupted.Signal}. Seed {options.Seed}.");
            return interrupted.ExitCode;
        }
    }

    private static void EndIfBlocked(SoakRun run)
    {
        if (run.Silence > SilenceLimit)
        {
            Console.Error.WriteLine($"FAILED with seed {run.Options.Seed}: the loop has not run for {run.Silence.TotalSeconds:0} s.");
            Environment.Exit(1);
        }
    }
}

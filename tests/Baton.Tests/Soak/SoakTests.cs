using Baton.Soak;
using Baton.Soak.Faults;

namespace Baton.Tests.Soak;

/// <summary>A few rounds of everything, on the driver of the run, and that the soak notices what it is there to notice.</summary>
public class SoakTests
{
    private const int Rounds = 4;

    public static TheoryData<int, string> Runs
    {
        get
        {
            var data = new TheoryData<int, string>();
            foreach (var plan in Plans)
            {
                for (var seed = 1; seed <= 3; seed++)
                {
                    data.Add(seed, plan.Name);
                }
            }

            return data;
        }
    }

    private static FaultPlan[] Plans => [FaultPlan.None, FaultPlan.Subtle, FaultPlan.Harsh];

    [Theory]
    [MemberData(nameof(Runs))]
    public void All_work_ends_well_and_leaves_nothing(int seed, string plan)
    {
        var results = RunWell(Options(seed) with { Plans = [Plans.Single(entry => entry.Name == plan)], Rounds = Rounds });
        Assert.NotEmpty(results);
        Assert.All(results, result => Assert.True(result.Value.Rounds >= Rounds, $"{result.Key}: {result.Value.Rounds} rounds"));
    }

    [Fact]
    public void A_socket_that_is_left_is_a_failure() => AssertFails("sockets instead of 0", _ =>
    {
        LoopSocket.Create(System.Net.Sockets.AddressFamily.InterNetwork);
        return default;
    });

    [Fact]
    public void A_block_that_is_left_is_a_failure() => AssertFails("1 blocks instead of 0", worker =>
    {
        worker.Loop.Driver.Blocks.Rent();
        return default;
    });

    [Fact]
    public void A_timer_that_is_left_is_a_failure() => AssertFails("1 timers instead of 0", worker =>
    {
        worker.Loop.CallLater(TimeSpan.FromHours(1), () => { });
        return default;
    });

    [Fact]
    public void A_task_that_is_left_is_a_failure_and_is_shown() => AssertFails("forgotten", worker =>
    {
        worker.Loop.CreateTask(WaitForever(), "forgotten");
        return default;
    });

    [Fact]
    public void A_coroutine_that_nobody_awaits_is_a_failure() => AssertFails("coroutines instead of", worker =>
    {
        _ = WaitForever();
        return default;
    });

    [Fact]
    public void A_file_that_is_left_is_a_failure() => AssertFails("the file", worker =>
    {
        File.WriteAllText(Path.Combine(worker.Phase.Folder, "left"), "");
        return default;
    });

    [Fact]
    public void What_a_round_throws_is_a_failure() => AssertFails("on purpose", _ => throw new IOException("on purpose"));

    [Fact]
    public void What_is_wrong_is_a_failure_whatever_faults_there_are() =>
        AssertFails("on purpose", _ => throw new SoakException("on purpose"), FaultPlan.Harsh);

    [Fact]
    public void What_is_reported_to_the_exception_handler_is_a_failure() => AssertFails("on purpose", async worker =>
    {
        worker.Loop.CallSoon(() => throw new IOException("on purpose"));
        await Coroutine.Yield();
    });

    [Fact]
    public void A_round_that_hangs_is_a_failure_and_is_shown() => AssertFails(
        nameof(WaitForever), async _ => await WaitForever(), FaultPlan.None, TimeSpan.FromMilliseconds(1));

    [Fact]
    public void A_workload_that_does_not_stop_is_a_failure_and_is_shown() => AssertFails(
        "stopping test", _ => default, FaultPlan.None, TimeSpan.FromMilliseconds(1), WaitForever);

    [Fact]
    public void A_round_that_faults_end_is_none() =>
        Assert.Equal((1, 1), RunWell(Options(1) with
        {
            Plans = [FaultPlan.Harsh],
            Rounds = 1,
            Workloads = [new OneRound(_ => throw new IOException("on purpose"))],
        })["test"]);

    private static SoakOptions Options(int seed) => new()
    {
        Seed = seed,
        Drivers = [new SoakDriver(TestDriver.Name, () => TestDriver.Create())],
        ChecksProcess = false,
    };

    private static IReadOnlyDictionary<string, (long Rounds, long Excused)> RunWell(SoakOptions options)
    {
        using var run = new SoakRun(options);
        LoopTest.OnThread(() => run.Run());
        Assert.Empty(run.Failures);
        return run.Results;
    }

    private static void AssertFails(
        string message, Func<SoakWorker, Coroutine> round, FaultPlan? plan = null, TimeSpan? roundLimit = null, Func<Coroutine>? stop = null)
    {
        using var run = new SoakRun(Options(1) with
        {
            Plans = [plan ?? FaultPlan.None],
            Rounds = 1,
            Workloads = [new OneRound(round, stop)],
            RoundLimit = roundLimit ?? TimeSpan.FromSeconds(60),
            SettleLimit = TimeSpan.FromMilliseconds(50),
        });
        LoopTest.OnThread(() => Assert.False(run.Run()));
        Assert.Contains(message, string.Join('\n', run.Failures), StringComparison.Ordinal);
    }

    private static async Coroutine WaitForever() => await Coroutine.Sleep(Timeout.InfiniteTimeSpan);

    private sealed class OneRound(Func<SoakWorker, Coroutine> round, Func<Coroutine>? stop = null) : Workload
    {
        public override string Name => "test";

        public override int WorkerCount => 1;

        public override Coroutine RunAsync(SoakWorker worker) => round(worker);

        public override Coroutine StopAsync() => stop?.Invoke() ?? default;
    }
}

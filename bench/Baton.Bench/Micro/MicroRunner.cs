using System.Diagnostics;

namespace Baton.Bench.Micro;

/// <summary>Times the benchmarks, ours and the BCL's in turns, so that both meet the same disturbances.</summary>
internal sealed class MicroRunner(int rounds, TextWriter progress)
{
    /// <summary>Time before the first measured call: in the first round enough for the JIT's last tier, later for the caches.</summary>
    private static readonly TimeSpan FirstWarmUp = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan LaterWarmUp = TimeSpan.FromMilliseconds(200);

    public MicroOutcome Run(MicroBenchmark benchmark)
    {
        var ours = new List<MicroSample>();
        var theirs = new List<MicroSample>();

        progress.WriteLine($"{benchmark.Name}: {benchmark.Description}");
        for (var round = 0; round < rounds; round++)
        {
            var warmUp = round == 0 ? FirstWarmUp : LaterWarmUp;
            ours.Add(EventLoop.Run(() => MeasureBaton(benchmark, warmUp)));
            theirs.Add(Task.Run(() => MeasureBcl(benchmark, warmUp)).GetAwaiter().GetResult());
        }

        return new MicroOutcome(benchmark, MicroSample.Best(ours), MicroSample.Best(theirs), MicroSample.MedianRatio(ours, theirs));
    }

    private static async Coroutine<MicroSample> MeasureBaton(MicroBenchmark benchmark, TimeSpan warmUp)
    {
        using var setUp = benchmark.SetUpBaton?.Invoke();
        var clock = Stopwatch.StartNew();
        do
        {
            await benchmark.Baton(benchmark.Operations);
        }
        while (clock.Elapsed < warmUp);

        var sample = MicroSample.None;
        for (var repetition = 0; repetition < MicroSample.Repetitions; repetition++)
        {
            var bytes = GC.GetTotalAllocatedBytes(precise: true);
            var start = Stopwatch.GetTimestamp();
            await benchmark.Baton(benchmark.Operations);
            sample = sample.Or(MicroSample.Since(start, bytes, benchmark.Operations));
        }

        return sample;
    }

    private static async Task<MicroSample> MeasureBcl(MicroBenchmark benchmark, TimeSpan warmUp)
    {
        using var setUp = benchmark.SetUpBcl?.Invoke();
        var clock = Stopwatch.StartNew();
        do
        {
            await benchmark.Bcl(benchmark.Operations);
        }
        while (clock.Elapsed < warmUp);

        var sample = MicroSample.None;
        for (var repetition = 0; repetition < MicroSample.Repetitions; repetition++)
        {
            var bytes = GC.GetTotalAllocatedBytes(precise: true);
            var start = Stopwatch.GetTimestamp();
            await benchmark.Bcl(benchmark.Operations);
            sample = sample.Or(MicroSample.Since(start, bytes, benchmark.Operations));
        }

        return sample;
    }
}

/// <summary>Time and allocation of one operation.</summary>
internal readonly record struct MicroSample(double Nanoseconds, double Bytes)
{
    /// <summary>Repetitions in each round, of which the best counts: noise only adds.</summary>
    public const int Repetitions = 7;

    public static MicroSample None { get; } = new(double.PositiveInfinity, double.PositiveInfinity);

    public static MicroSample Since(long start, long allocatedBefore, int operations) => new(
        Stopwatch.GetElapsedTime(start).TotalNanoseconds / operations,
        (double)(GC.GetTotalAllocatedBytes(precise: true) - allocatedBefore) / operations);

    public static MicroSample Best(IEnumerable<MicroSample> samples) => samples.Aggregate((left, right) => left.Or(right));

    /// <summary>The median over the rounds of ours divided by theirs.</summary>
    public static double MedianRatio(IEnumerable<MicroSample> ours, IEnumerable<MicroSample> theirs)
    {
        var ratios = ours.Zip(theirs, (our, their) => our.Nanoseconds / their.Nanoseconds).Order().ToArray();
        return ratios[ratios.Length / 2];
    }

    public MicroSample Or(MicroSample other) => new(Math.Min(Nanoseconds, other.Nanoseconds), Math.Min(Bytes, other.Bytes));
}

/// <summary>What a benchmark came to.</summary>
internal sealed record MicroOutcome(MicroBenchmark Benchmark, MicroSample Ours, MicroSample Theirs, double Ratio);

using System.CommandLine;
using System.Globalization;

namespace Baton.Bench.Processes;

/// <summary>What the benchmarks of child processes have in common: programs that take turns at the same work.</summary>
internal static class TurnCommand
{
    public static Option<int> CreateRounds()
    {
        var rounds = new Option<int>("--rounds")
        {
            Description = "Rounds, in each of which all take their turn.",
            DefaultValueFactory = _ => 9,
        };
        rounds.Validators.Add(result =>
        {
            if (result.GetValue(rounds) is < 1 or > 1000)
            {
                result.AddError("--rounds must be between 1 and 1000.");
            }
        });
        return rounds;
    }

    public static Option<bool> CreateJson() =>
        new("--json") { Description = "Print one JSON array and nothing else to the standard output." };

    /// <summary>Has all take turns at one kind of work.</summary>
    /// <param name="peers">Who; the first is the one that the others are compared with.</param>
    /// <param name="work">What to do in a turn.</param>
    /// <param name="units">How many units of work that is: a turn's time and CPU time are divided by it.</param>
    /// <param name="rounds">How often.</param>
    public static async Task<TurnSamples> MeasureAsync(IReadOnlyList<TurnPeer> peers, string work, double units, int rounds)
    {
        var samples = new TurnSamples(peers.Select(peer => peer.Name));
        for (var round = -1; round < rounds; round++)
        {
            foreach (var peer in peers)
            {
                var (seconds, cpu) = await peer.TakeTurnAsync(work);

                // The first round warms up.
                if (round >= 0)
                {
                    samples.Add(peer.Name, seconds * 1e6 / units, cpu.Total / 1e3 / units);
                }
            }

            await Console.Error.WriteAsync(".");
        }

        await Console.Error.WriteLineAsync();
        return samples;
    }

    public static string Format(double value, string format = "F1") => value.ToString(format, CultureInfo.InvariantCulture);
}

/// <summary>Microseconds of time and CPU time for a unit of work, by peer and round.</summary>
internal sealed class TurnSamples(IEnumerable<string> peers)
{
    private readonly Dictionary<string, List<(double Time, double Cpu)>> _samples =
        peers.ToDictionary(peer => peer, _ => new List<(double, double)>());

    public IEnumerable<string> Peers => _samples.Keys;

    public void Add(string peer, double time, double cpu) => _samples[peer].Add((time, cpu));

    public double Time(string peer) => Median(_samples[peer].Select(sample => sample.Time));

    public double Cpu(string peer) => Median(_samples[peer].Select(sample => sample.Cpu));

    /// <summary>The median over the rounds of one's time over another's.</summary>
    public double TimeRatio(string peer, string other) => Ratio(peer, other, sample => sample.Time);

    /// <inheritdoc cref="TimeRatio"/>
    public double CpuRatio(string peer, string other) => Ratio(peer, other, sample => sample.Cpu);

    private double Ratio(string peer, string other, Func<(double Time, double Cpu), double> select) =>
        Median(_samples[peer].Zip(_samples[other], (ours, theirs) => select(ours) / select(theirs)));

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }
}

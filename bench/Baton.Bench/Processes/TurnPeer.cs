using System.Diagnostics;
using System.Globalization;
using Baton.Bench.Net;

namespace Baton.Bench.Processes;

/// <summary>
/// One of several programs that do the same work in turns: it says what it is, and then answers each line, which says how much to do, with
/// the seconds that this took.
/// </summary>
internal sealed class TurnPeer : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(3);

    private readonly Net.ChildProcess _process;

    private TurnPeer(string name, Net.ChildProcess process)
    {
        Name = name;
        _process = process;
    }

    public string Name { get; }

    /// <summary>What the program says it is.</summary>
    public string Description { get; private set; } = "";

    public static async Task<TurnPeer> StartAsync(string name, ProcessStartInfo startInfo)
    {
        var peer = new TurnPeer(name, Net.ChildProcess.Start(startInfo, cpu: null));
        peer.Description = await peer._process.ReadLineAsync(Limit, CancellationToken.None);
        return peer;
    }

    /// <summary>Has it do something.</summary>
    /// <returns>The seconds that it took, and the CPU time of its own in nanoseconds, that of its children not included.</returns>
    public async Task<(double Seconds, CpuTime Cpu)> TakeTurnAsync(string work)
    {
        var before = CpuTime.Of(_process.Id);
        _process.WriteLine(work);
        var answer = await _process.ReadLineAsync(Limit, CancellationToken.None);
        return (double.Parse(answer, CultureInfo.InvariantCulture), CpuTime.Of(_process.Id) - before);
    }

    /// <summary>The other side: does what it is told until there is no more.</summary>
    public static void Serve(string description, Func<string, double> takeTurn)
    {
        Console.WriteLine(description);
        while (Console.ReadLine() is { } work)
        {
            Console.WriteLine(takeTurn(work).ToString("R", CultureInfo.InvariantCulture));
        }
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}

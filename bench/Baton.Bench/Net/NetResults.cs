namespace Baton.Bench.Net;

/// <summary>Everything a run measured, and the two ways of condensing it: the median of a figure, and the median of a ratio.</summary>
internal sealed class NetResults
{
    private readonly List<NetSample> _samples = [];
    private readonly Dictionary<(string Server, int Connections), SystemCallCount> _systemCalls = [];

    public List<NetPeer> Servers { get; } = [];

    /// <summary>How system calls were counted, or why they were not.</summary>
    public string SystemCallsNote { get; set; } = "";

    public IEnumerable<int> Connections => _samples.Select(sample => sample.Connections).Distinct();

    public void Add(NetSample sample) => _samples.Add(sample);

    public void Add(string server, int connections, SystemCallCount count) => _systemCalls[(server, connections)] = count;

    public SystemCallCount? SystemCalls(string server, int connections) => _systemCalls.GetValueOrDefault((server, connections));

    public double Median(string server, int connections, NetMetric metric) =>
        Median(Rounds(server, connections).Select(sample => metric.Of(sample.Report)));

    public double MedianOfSamples(string server, int connections, Func<NetSample, double> figure) =>
        Median(Rounds(server, connections).Select(figure));

    /// <summary>
    /// The ratio of two servers in each round, where they ran one after the other and met the same neighbours on the machine; and of
    /// these the median. Null when the other's figure was never above zero.
    /// </summary>
    public double? MedianRatio(string server, string against, int connections, NetMetric metric)
    {
        var ratios = Rounds(server, connections)
            .Join(
                Rounds(against, connections),
                ours => ours.Round,
                theirs => theirs.Round,
                (ours, theirs) => (Ours: metric.Of(ours.Report), Theirs: metric.Of(theirs.Report)))
            .Where(pair => pair.Theirs > 0)
            .Select(pair => pair.Ours / pair.Theirs)
            .ToList();
        return ratios.Count == 0 ? null : Median(ratios);
    }

    public double? SystemCallRatio(string server, string against, int connections) =>
        SystemCalls(server, connections) is { } ours && SystemCalls(against, connections) is { } theirs
            ? ours.PerRequest / theirs.PerRequest
            : null;

    private IEnumerable<NetSample> Rounds(string server, int connections) =>
        _samples.Where(sample => sample.Server == server && sample.Connections == connections);

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        var middle = sorted.Count / 2;
        return sorted.Count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}

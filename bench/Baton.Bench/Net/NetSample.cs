namespace Baton.Bench.Net;

/// <summary>One server's window in one round.</summary>
internal sealed record NetSample(string Server, int Connections, int Round, LoadReport Report)
{
    /// <summary>Share of the window in which the server's CPU worked for it, 0 to 1 on one CPU.</summary>
    public double ServerBusy => (Report.ServerUserNanoseconds + Report.ServerKernelNanoseconds) / (Report.Seconds * 1e9);

    /// <summary>The same of the load generator: whichever of the two is near 1 limits the throughput.</summary>
    public double LoadBusy => Report.LoadNanoseconds / (Report.Seconds * 1e9);
}

namespace Baton.Bench.Echo;

/// <summary>A figure taken from a sample: its name in the results, its heading in the table, its unit.</summary>
internal sealed record EchoMetric(string Name, string Heading, string Unit, Func<LoadReport, double> Of)
{
    public static readonly EchoMetric CpuTotal = new(
        "cpu-total", "CPU", "us/request", report => PerRequest(report, report.ServerUserNanoseconds + report.ServerKernelNanoseconds));

    public static readonly EchoMetric CpuUser = new(
        "cpu-user", "user", "us/request", report => PerRequest(report, report.ServerUserNanoseconds));

    public static readonly EchoMetric CpuKernel = new(
        "cpu-kernel", "kernel", "us/request", report => PerRequest(report, report.ServerKernelNanoseconds));

    public static readonly EchoMetric P50 = new("p50", "p50", "us", report => report.P50Nanoseconds / 1e3);

    public static readonly EchoMetric P99 = new("p99", "p99", "us", report => report.P99Nanoseconds / 1e3);

    public static readonly EchoMetric Throughput = new(
        "throughput", "requests/s", "requests/s", report => report.Requests / report.Seconds);

    public static readonly EchoMetric[] All = [CpuTotal, CpuUser, CpuKernel, P50, P99, Throughput];

    private static double PerRequest(LoadReport report, double nanoseconds) => nanoseconds / report.Requests / 1e3;
}

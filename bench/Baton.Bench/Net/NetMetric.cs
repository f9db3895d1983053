namespace Baton.Bench.Net;

/// <summary>
/// A figure taken from a sample: its name in the results, its heading in the table, its unit. In heading and unit <c>{0}</c> stands for
/// what the benchmark counts.
/// </summary>
internal sealed record NetMetric(string Name, string Heading, string Unit, Func<LoadReport, double> Of)
{
    public static readonly NetMetric CpuTotal = new(
        "cpu-total", "CPU", "us/{0}", report => PerRequest(report, report.ServerUserNanoseconds + report.ServerKernelNanoseconds));

    public static readonly NetMetric CpuUser = new(
        "cpu-user", "user", "us/{0}", report => PerRequest(report, report.ServerUserNanoseconds));

    public static readonly NetMetric CpuKernel = new(
        "cpu-kernel", "kernel", "us/{0}", report => PerRequest(report, report.ServerKernelNanoseconds));

    public static readonly NetMetric P50 = new("p50", "p50", "us", report => report.P50Nanoseconds / 1e3);

    public static readonly NetMetric P99 = new("p99", "p99", "us", report => report.P99Nanoseconds / 1e3);

    // Last: on a machine that others use as well it is the figure that says least.
    public static readonly NetMetric Throughput = new(
        "throughput", "{0}s/s", "{0}s/s", report => report.Requests / report.Seconds);

    public static readonly NetMetric[] All = [CpuTotal, CpuUser, CpuKernel, P50, P99, Throughput];

    private static double PerRequest(LoadReport report, double nanoseconds) => nanoseconds / report.Requests / 1e3;
}

namespace Baton.Bench.Net;

/// <summary>
/// The CPU time a process has used, read from outside through its CPU clocks, so that nothing has to be built into the servers.
/// </summary>
/// <remarks>
/// <para>
/// Chosen over /proc/PID/stat, which counts in steps of 10 ms; over /proc/PID/task/*/schedstat, which forgets threads that have
/// ended (a thread pool's do); and over getrusage, which only the process itself can ask and which a C, a Socket and a Baton server
/// would each have to answer in its own way. One call costs well under a microsecond, so the load generator makes it at the
/// very requests where its window begins and ends.
/// </para>
/// <para>
/// The total is the scheduler's own sum in nanoseconds, of living and ended threads; for a thread that is running it is at most one
/// timer tick old (1 to 10 ms in a window of seconds). The split is sampled: at each tick the kernel charges the whole tick to
/// user or kernel, so the user share of a window has a standard error of about sqrt(ticks in user mode) ticks. /proc and getrusage
/// split by the same samples. Medians over rounds narrow it; a longer window narrows it more.
/// </para>
/// </remarks>
/// <param name="Total">All CPU time, in nanoseconds, exact.</param>
/// <param name="SampledUser">Ticks charged to user mode, in nanoseconds.</param>
/// <param name="SampledAll">Ticks charged to user or kernel mode, in nanoseconds.</param>
internal readonly record struct CpuTime(long Total, long SampledUser, long SampledAll)
{
    // The kernel's numbering of the clocks of a process, behind clock_getcpuclockid: the complement of the id above three bits.
    private const int ClockUserAndKernel = 0;
    private const int ClockUser = 1;
    private const int ClockScheduler = 2;

    /// <summary>User time in nanoseconds: the exact total, split by the samples.</summary>
    public double User => SampledAll == 0 ? 0 : (double)Total * SampledUser / SampledAll;

    /// <summary>Kernel time in nanoseconds.</summary>
    public double Kernel => Total - User;

    public static CpuTime Of(int processId) => new(
        Read(processId, ClockScheduler),
        Read(processId, ClockUser),
        Read(processId, ClockUserAndKernel));

    public static CpuTime operator -(CpuTime end, CpuTime start) =>
        new(end.Total - start.Total, end.SampledUser - start.SampledUser, end.SampledAll - start.SampledAll);

    private static unsafe long Read(int processId, int which)
    {
        Libc.TimeSpec time;
        Libc.Check(Libc.clock_gettime((~processId << 3) | which, &time), $"clock_gettime of process {processId}");
        return (time.Seconds * 1_000_000_000L) + time.Nanoseconds;
    }
}

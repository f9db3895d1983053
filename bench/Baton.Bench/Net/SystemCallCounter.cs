using System.Runtime.InteropServices;

namespace Baton.Bench.Net;

/// <summary>
/// Counts the system calls of a process, with all its threads, by the kernel's own trace events (what <c>perf stat -e</c> shows).
/// </summary>
/// <remarks>
/// A count costs the server a fraction of a microsecond, so it goes on behaving as it does unobserved. Under strace, which stops it twice
/// a call, it falls so far behind its clients that data is always there already: a server that tries before it waits then seems never to
/// wait. Needs root, or CAP_PERFMON and a readable tracefs.
/// </remarks>
internal sealed unsafe class SystemCallCounter : IDisposable
{
    public const string EveryCall = "raw_syscalls/sys_enter";

    private const uint TypeTracepoint = 2;
    private const ulong FlagInherit = 1 << 1; // threads that are started later count as well
    private const nuint FlagCloseOnExec = 8;

    // Those that servers make; the rest is counted as "other".
    private static readonly string[] NamedCalls =
    [
        "read", "write", "readv", "writev", "recvfrom", "sendto", "recvmsg", "sendmsg",
        "recvmmsg", "sendmmsg", "sendfile64", "pread64", "accept", "accept4", "close", "shutdown", "setsockopt", "getsockopt", "getsockname",
        "getpeername", "fcntl",
        "ioctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "epoll_ctl", "io_uring_enter", "futex", "sched_yield", "madvise",
    ];

    private readonly List<(string Call, int Descriptor)> _counters = [];

    private SystemCallCounter()
    {
    }

    private static nint SysPerfEventOpen => RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 298 : 241;

    /// <summary>Starts to count, or returns null where the kernel does not allow it.</summary>
    public static SystemCallCounter? TryOpen(int processId)
    {
        using var events = TraceEvents.TryOpen();
        if (events?.TryFind(EveryCall) is not { } every) return null;

        var counter = new SystemCallCounter();
        foreach (var task in Directory.EnumerateDirectories($"/proc/{processId}/task"))
        {
            var thread = int.Parse(Path.GetFileName(task));
            if (!counter.TryAdd(EveryCall, every, thread))
            {
                if (Libc.LastError == Libc.ESRCH) continue; // a thread that has ended meanwhile
                counter.Dispose();
                return null;
            }

            foreach (var call in NamedCalls)
            {
                if (events.TryFind($"syscalls/sys_enter_{call}") is { } number) counter.TryAdd(call, number, thread);
            }
        }
        return counter;
    }

    /// <summary>The calls so far, by name.</summary>
    public IReadOnlyDictionary<string, long> Read()
    {
        var calls = new Dictionary<string, long>();
        foreach (var (call, descriptor) in _counters)
        {
            long count;
            Libc.Check(Libc.read(descriptor, (byte*)&count, sizeof(long)), "read of a system call counter");
            calls[call] = calls.GetValueOrDefault(call) + count;
        }

        calls.Remove(EveryCall, out var every);
        calls["other"] = every - calls.Values.Sum();
        return calls;
    }

    public void Dispose()
    {
        foreach (var (_, descriptor) in _counters) _ = Libc.close(descriptor);
    }

    private bool TryAdd(string call, int number, int thread)
    {
        var attributes = new EventAttributes
        {
            Type = TypeTracepoint,
            Size = (uint)sizeof(EventAttributes),
            Config = (ulong)number,
            Flags = FlagInherit,
        };
        var descriptor = (int)Libc.syscall(SysPerfEventOpen, (nint)(&attributes), thread, -1, -1, (nint)FlagCloseOnExec);
        if (descriptor >= 0) _counters.Add((call, descriptor));
        return descriptor >= 0;
    }

    /// <summary>The kernel's struct perf_event_attr in its first and smallest version.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct EventAttributes
    {
        public uint Type;
        public uint Size;
        public ulong Config;
        public ulong SamplePeriod;
        public ulong SampleType;
        public ulong ReadFormat;
        public ulong Flags;
        public uint WakeupEvents;
        public uint BreakpointType;
        public ulong Config1;
    }
}

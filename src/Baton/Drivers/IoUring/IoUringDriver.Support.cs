using System.Diagnostics.CodeAnalysis;

namespace Baton.Drivers;

// Whether there is io_uring here, which kernels, sandboxes and administrators may each deny.
public sealed unsafe partial class IoUringDriver
{
    private const string DisabledSetting = "/proc/sys/kernel/io_uring_disabled";
    private const int RegisterProbe = 8; // IORING_REGISTER_PROBE
    private const int ProbeEntries = 64;
    private const ushort OperationSupported = 1; // IO_URING_OP_SUPPORTED

    private static readonly RingOperation[] s_needed = [RingOperation.PollAdd, RingOperation.AsyncCancel, RingOperation.Receive];

    private static readonly Lazy<string?> s_unsupported = new(FindReason);

    /// <summary>Whether this driver works here. Asks the system once for the whole process.</summary>
    /// <param name="reason">Why it does not.</param>
    public static bool IsSupported([NotNullWhen(false)] out string? reason)
    {
        reason = s_unsupported.Value;
        return reason is null;
    }

    private static string? FindReason()
    {
        if (!OperatingSystem.IsLinux())
        {
            return "it is a part of Linux";
        }

        var reason = Probe(new LinuxSocketCalls(), out var ring, out _, out _);
        ring?.Dispose();
        return reason;
    }

    /// <summary>Creates a ring, and finds the operations that it has, a bit each; or says why that cannot be.</summary>
    private static string? Probe(LinuxSocketCalls calls, out Ring? ring, out ulong operations, out int error)
    {
        operations = 0;
        error = Ring.TryCreate(calls, out ring);
        if (error < 0)
        {
            return ReasonOf(error);
        }

        var reason = FindMissing(calls, ring!, out operations);
        if (reason is not null)
        {
            ring!.Dispose();
            ring = null;
        }

        return reason;
    }

    private static string? FindMissing(LinuxSocketCalls calls, Ring ring, out ulong operations)
    {
        operations = 0;
        var missing = Ring.Required & ~ring.Features;
        if (missing != RingFeatures.None)
        {
            return $"the kernel is too old: it lacks {missing}";
        }

        var probe = default(ProbeResult);
        if (calls.RingRegister(ring.Descriptor, RegisterProbe, (nint)(&probe), ProbeEntries) is < 0 and var error)
        {
            return $"the kernel does not tell what its rings can do: {SocketFailure.TextOf(Errno.ToSocketError(error))}";
        }

        for (var i = 0; i < ProbeEntries && i <= probe.LastOperation; i++)
        {
            // Eight bytes each: the number, a reserved one, and the flags.
            operations |= (probe.Operations[(i * 8) + 2] & OperationSupported) != 0 ? 1UL << i : 0;
        }

        foreach (var operation in s_needed)
        {
            if ((operations & (1UL << (int)operation)) == 0)
            {
                return $"the kernel's rings lack the operation {operation}";
            }
        }

        return null;
    }

    private static string ReasonOf(int error) => error switch
    {
        -Errno.ENOSYS => "the kernel has no io_uring, or a sandbox such as that of a container hides it",
        -Errno.EPERM when ReadDisabledSetting() is { } setting and not "0" => $"the setting kernel.io_uring_disabled is {setting}",
        -Errno.EPERM => "a security policy such as a container's seccomp profile forbids it",
        -Errno.ENOMEM => "there is not enough memory, or not enough that the process may lock (ulimit -l)",
        -Errno.EINVAL => "the kernel is too old",
        _ => SocketFailure.TextOf(Errno.ToSocketError(error)),
    };

    private static string? ReadDisabledSetting()
    {
        try
        {
            return File.ReadAllText(DisabledSetting).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>The kernel's <c>struct io_uring_probe</c>.</summary>
    private struct ProbeResult
    {
        public byte LastOperation;
        public byte OperationCount;
        public ushort Reserved;
        public fixed uint MoreReserved[3];
        public fixed byte Operations[ProbeEntries * 8];
    }
}

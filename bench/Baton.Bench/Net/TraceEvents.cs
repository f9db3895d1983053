using System.Globalization;
using System.Text;

namespace Baton.Bench.Net;

/// <summary>
/// Looks up the numbers of the kernel's trace events, which differ from kernel to kernel. They are files of tracefs; where the machine has
/// not mounted it, it is mounted detached from the tree: nobody else sees it, and it is gone with its descriptor.
/// </summary>
internal sealed unsafe class TraceEvents : IDisposable
{
    private const string MountedAt = "/sys/kernel/tracing";

    // The same on all architectures.
    private const int SysFsOpen = 430;
    private const int SysFsConfig = 431;
    private const int SysFsMount = 432;
    private const int FsConfigCreate = 6;

    private readonly int _root;

    private TraceEvents(int root) => _root = root;

    /// <summary>Null where the kernel has no tracefs or does not let us see it.</summary>
    public static TraceEvents? TryOpen()
    {
        var mounted = Open(Libc.AT_FDCWD, MountedAt);
        if (mounted >= 0)
        {
            var events = new TraceEvents(mounted);
            if (events.TryFind(SystemCallCounter.EveryCall) is not null) return events;
            events.Dispose();
        }

        var detached = MountDetached();
        return detached >= 0 ? new TraceEvents(detached) : null;
    }

    /// <summary>The number of an event such as <c>raw_syscalls/sys_enter</c>, or null if this kernel has no such event.</summary>
    public int? TryFind(string name)
    {
        var file = Open(_root, $"events/{name}/id");
        if (file < 0) return null;

        Span<byte> text = stackalloc byte[32];
        nint length;
        fixed (byte* start = text) length = Libc.read(file, start, (nuint)text.Length);
        _ = Libc.close(file);
        return length > 0 ? int.Parse(Encoding.ASCII.GetString(text[..(int)length]).Trim(), CultureInfo.InvariantCulture) : null;
    }

    public void Dispose() => _ = Libc.close(_root);

    private static int MountDetached()
    {
        fixed (byte* type = "tracefs"u8)
        {
            var context = (int)Libc.syscall(SysFsOpen, (nint)type, 0, 0, 0, 0);
            if (context < 0) return -1;

            var root = -1;
            if (Libc.syscall(SysFsConfig, context, FsConfigCreate, 0, 0, 0) >= 0) root = (int)Libc.syscall(SysFsMount, context, 0, 0, 0, 0);
            _ = Libc.close(context);
            return root;
        }
    }

    private static int Open(int folder, string path)
    {
        fixed (byte* name = Encoding.UTF8.GetBytes(path + '\0')) return Libc.openat(folder, name, Libc.O_CLOEXEC);
    }
}

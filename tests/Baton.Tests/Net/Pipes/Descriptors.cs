using Microsoft.Win32.SafeHandles;

namespace Baton.Tests.Net.Pipes;

/// <summary>What the system says of a descriptor of this process.</summary>
internal static class Descriptors
{
    private const int NonBlocking = 0x800; // O_NONBLOCK
    private const int CloseOnExec = 0x80000; // O_CLOEXEC

    public static bool IsNonBlocking(SafeFileHandle handle) => IsNonBlocking(handle.DangerousGetHandle());

    public static bool IsNonBlocking(nint descriptor) => (Flags(descriptor) & NonBlocking) != 0;

    public static bool IsClosedOnExec(SafeFileHandle handle) => IsClosedOnExec(handle.DangerousGetHandle());

    public static bool IsClosedOnExec(nint descriptor) => (Flags(descriptor) & CloseOnExec) != 0;

    /// <summary>A handle that does not own its descriptor.</summary>
    public static SafeFileHandle Borrow(int descriptor) => new(descriptor, ownsHandle: false);

    public static SafeFileHandle Borrow(SafeFileHandle handle) => Borrow((int)handle.DangerousGetHandle());

    private static int Flags(nint descriptor)
    {
        var line = File.ReadLines($"/proc/self/fdinfo/{descriptor}").First(line => line.StartsWith("flags:", StringComparison.Ordinal));
        return Convert.ToInt32(line["flags:".Length..].Trim(), 8);
    }
}

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Baton.Soak;

/// <summary>What the work needs of the system and the BCL does not have.</summary>
internal static class LibC
{
    internal static void SendSignal(int number) =>
        SoakException.ThrowUnless(Kill(Environment.ProcessId, number) == 0, $"Signal {number} cannot be sent.");

    internal static void WriteToPipe(SafeFileHandle pipe, byte[] bytes) =>
        SoakException.ThrowUnless(Write(pipe, bytes, bytes.Length) == bytes.Length, "The pipe does not take what is written.");

    internal static int ReadFromPipe(SafeFileHandle pipe, byte[] buffer) => (int)Read(pipe, buffer, buffer.Length);

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int processId, int signal);

    [DllImport("libc", EntryPoint = "write")]
    private static extern nint Write(SafeFileHandle descriptor, byte[] bytes, nint count);

    [DllImport("libc", EntryPoint = "read")]
    private static extern nint Read(SafeFileHandle descriptor, [Out] byte[] bytes, nint count);
}

using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Baton.Bench.SendFile;

/// <summary>
/// The file that is sent: in memory, where the machine has a file system for that, and without a name once it is open, so that
/// nothing is left of it. Each MiB begins with its number.
/// </summary>
internal static class ServedFile
{
    public const int Mebibytes = 1024;
    public const int Mebibyte = 1 << 20;

    private const string InMemory = "/dev/shm";

    public static SafeFileHandle Create()
    {
        var folder = Directory.Exists(InMemory) ? InMemory : Path.GetTempPath();
        var path = Path.Combine(folder, $"baton-bench-{Environment.ProcessId}");
        var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite);
        File.Delete(path);
        var block = new byte[Mebibyte];
        for (long number = 0; number < Mebibytes; number++)
        {
            MemoryMarshal.Write(block, number);
            RandomAccess.Write(file, block, number * Mebibyte);
        }
        return file;
    }
}

namespace Baton.Drivers;

/// <summary>
/// Which file it is, whatever its name: the device and the number of the file there. The numbers of a file that is open are not given to
/// another.
/// </summary>
internal readonly record struct FileIdentity(ulong Device, ulong Number, bool IsSocket)
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const int DoNotFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const uint Basic = 0x7FF; // STATX_BASIC_STATS
    internal const int StatusSize = 256;
    internal const int ModeOffset = 28;
    private const int NumberOffset = 32;
    private const int DeviceOffset = 136;
    internal const int DeviceMajorOffset = 128; // of the device that the file itself stands for
    internal const int DeviceMinorOffset = 132;
    internal const int TypeMask = 0xF000;
    internal const int TypeSocket = 0xC000;

    /// <summary>
    /// Looks at a path, not at what a link there leads to. Null where there is nothing, or nothing that may be looked at, or this is not
    /// Linux.
    /// </summary>
    internal static unsafe FileIdentity? Read(string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return null;
        }

        var status = stackalloc byte[StatusSize];
        if (LibC.FileStatus(CurrentDirectory, path, DoNotFollow, Basic, status) != 0)
        {
            return null;
        }

        return Of(status);
    }

    internal static unsafe FileIdentity Of(byte* status) => new(
        *(ulong*)(status + DeviceOffset), *(ulong*)(status + NumberOffset), (*(ushort*)(status + ModeOffset) & TypeMask) == TypeSocket);
}

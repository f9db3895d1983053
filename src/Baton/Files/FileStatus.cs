using System.Runtime.InteropServices;
using Baton.Drivers;
using Microsoft.Win32.SafeHandles;

namespace Baton;

/// <summary>What the system knows of a file. Corresponds to <c>os.stat_result</c>.</summary>
public sealed record FileStatus
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const int DoNotFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const int Empty = 0x1000; // AT_EMPTY_PATH
    private const uint Basic = 0x7FF; // STATX_BASIC_STATS
    private const uint Birth = 0x800; // STATX_BTIME

    /// <summary>The size of what a driver fills for <see cref="IoFileOperationKind.Status"/>.</summary>
    internal const int RawSize = 256;

    /// <summary>The length in bytes; of what is no regular file, whatever the system says.</summary>
    public long Length { get; init; }

    /// <summary>What it is.</summary>
    public FileKind Kind { get; init; }

    /// <summary>Who may do what; <see cref="UnixFileMode.None"/> on Windows.</summary>
    public UnixFileMode Mode { get; init; }

    /// <summary>How many names it has; 1 where the platform does not say.</summary>
    public long LinkCount { get; init; } = 1;

    /// <summary>The user to whom it belongs; 0 where the platform does not say.</summary>
    public long UserId { get; init; }

    /// <summary>The group to which it belongs; 0 where the platform does not say.</summary>
    public long GroupId { get; init; }

    /// <summary>The device that it is on; 0 where the platform does not say.</summary>
    public ulong Device { get; init; }

    /// <summary>
    /// Its number on the device, which together with <see cref="Device"/> says which file it is; 0 where the platform does not say.
    /// </summary>
    public ulong Number { get; init; }

    /// <summary>When it was last read, as far as the file system keeps book of that. In UTC, as all times here.</summary>
    public DateTimeOffset LastAccessTime { get; init; }

    /// <summary>When its content last changed.</summary>
    public DateTimeOffset LastWriteTime { get; init; }

    /// <summary>When anything of this last changed; the time of the last write where the platform does not say.</summary>
    public DateTimeOffset LastStatusChangeTime { get; init; }

    /// <summary>When it came to be; null where the file system does not say.</summary>
    public DateTimeOffset? CreationTime { get; init; }

    /// <summary>Asks the system. Blocks.</summary>
    /// <returns>Null where the system says why not, by its error number.</returns>
    internal static unsafe FileStatus? Read(SafeFileHandle? file, string? path, bool doNotFollow, out int error)
    {
        error = 0;
        if (!OperatingSystem.IsLinux())
        {
            return ReadPortably(file, path, doNotFollow, out error);
        }

        var raw = stackalloc byte[RawSize];
        var result = file is null
            ? LibC.FileStatusOrError(CurrentDirectory, path!, doNotFollow ? DoNotFollow : 0, Basic | Birth, raw)
            : LibC.FileStatusOrError(file, "", Empty, Basic | Birth, raw);
        if (result < 0)
        {
            error = Marshal.GetLastPInvokeError();
            return null;
        }

        return Parse(new ReadOnlySpan<byte>(raw, RawSize));
    }

    /// <summary>Reads Linux's <c>struct statx</c>, which is the same on every architecture.</summary>
    internal static FileStatus Parse(ReadOnlySpan<byte> raw)
    {
        var mode = MemoryMarshal.Read<ushort>(raw[28..]);
        return new FileStatus
        {
            LinkCount = MemoryMarshal.Read<uint>(raw[16..]),
            UserId = MemoryMarshal.Read<uint>(raw[20..]),
            GroupId = MemoryMarshal.Read<uint>(raw[24..]),
            Mode = (UnixFileMode)(mode & 0xFFF),
            Kind = (mode & 0xF000) switch
            {
                0x8000 => FileKind.Regular,
                0x4000 => FileKind.Directory,
                0xA000 => FileKind.SymbolicLink,
                0x1000 => FileKind.Pipe,
                0xC000 => FileKind.Socket,
                0x2000 => FileKind.CharacterDevice,
                0x6000 => FileKind.BlockDevice,
                _ => FileKind.Other,
            },
            Number = MemoryMarshal.Read<ulong>(raw[32..]),
            Length = MemoryMarshal.Read<long>(raw[40..]),
            LastAccessTime = Time(raw[64..]),
            CreationTime = (MemoryMarshal.Read<uint>(raw) & Birth) != 0 ? Time(raw[80..]) : null,
            LastStatusChangeTime = Time(raw[96..]),
            LastWriteTime = Time(raw[112..]),
            Device = ((ulong)MemoryMarshal.Read<uint>(raw[136..]) << 32) | MemoryMarshal.Read<uint>(raw[140..]),
        };
    }

    private static DateTimeOffset Time(ReadOnlySpan<byte> raw)
    {
        // A damaged file system may say anything.
        const long First = -62_135_596_800;
        const long Last = 253_402_300_799;
        var seconds = Math.Clamp(MemoryMarshal.Read<long>(raw), First, Last);
        return DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(MemoryMarshal.Read<uint>(raw[8..]) / 100);
    }

    private static FileStatus? ReadPortably(SafeFileHandle? file, string? path, bool doNotFollow, out int error)
    {
        error = 0;
        if (file is not null)
        {
            var written = File.GetLastWriteTimeUtc(file);
            return new FileStatus
            {
                Length = RandomAccess.GetLength(file),
                Kind = FileKind.Regular,
                Mode = OperatingSystem.IsWindows() ? UnixFileMode.None : File.GetUnixFileMode(file),
                LastAccessTime = File.GetLastAccessTimeUtc(file),
                LastWriteTime = written,
                LastStatusChangeTime = written,
                CreationTime = File.GetCreationTimeUtc(file),
            };
        }

        FileSystemInfo info = Directory.Exists(path) ? new DirectoryInfo(path) : new FileInfo(path!);
        if (!doNotFollow && info.LinkTarget is not null && info.ResolveLinkTarget(returnFinalTarget: true) is { } target)
        {
            info = target;
        }

        if (!info.Exists && info.LinkTarget is null)
        {
            error = 2;
            return null;
        }

        return new FileStatus
        {
            Length = info is FileInfo { Exists: true } regular ? regular.Length : 0,
            Kind = info.LinkTarget is not null ? FileKind.SymbolicLink : info is DirectoryInfo ? FileKind.Directory : FileKind.Regular,
            Mode = OperatingSystem.IsWindows() ? UnixFileMode.None : info.UnixFileMode,
            LastAccessTime = info.LastAccessTimeUtc,
            LastWriteTime = info.LastWriteTimeUtc,
            LastStatusChangeTime = info.LastWriteTimeUtc,
            CreationTime = info.CreationTimeUtc,
        };
    }
}

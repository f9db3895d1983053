using System.Runtime.InteropServices;
using Baton.Drivers;

namespace Baton;

// What happens on a thread for files.
internal sealed partial class FileOperation
{
    private const int NoSuchFile = 2; // ENOENT
    private const int InputOutputError = 5; // EIO
    private const int InvalidArgument = 22; // EINVAL
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint DoNotReplace = 1; // RENAME_NOREPLACE

    /// <summary>Carries the operation out. Never throws.</summary>
    private void Execute()
    {
        // Otherwise it was cancelled while it stood in line.
        if (Interlocked.CompareExchange(ref _stage, Stage.Running, Stage.Queued) != Stage.Queued)
        {
            return;
        }

        try
        {
            Perform();
        }
        catch (Exception exception)
        {
            _failure = exception;
        }

        if (Interlocked.CompareExchange(ref _stage, Stage.Finished, Stage.Running) != Stage.Running || !Loop.TryPost(_arrival))
        {
            Drop();
        }
    }

    /// <summary>Nobody wants the outcome any more.</summary>
    private void Drop()
    {
        if (Kind == IoFileOperationKind.Open)
        {
            File?.Dispose();
        }
    }

    private void Perform()
    {
        switch (Kind)
        {
            case IoFileOperationKind.Open:
                File = System.IO.File.OpenHandle(Path!, Mode, Access, Share, Options, PreallocationSize);
                break;
            case IoFileOperationKind.Close:
                File!.Dispose();
                break;
            case IoFileOperationKind.Read:
                BytesTransferred = Buffers is { } buffers
                    ? RandomAccess.Read(File!, buffers, Offset)
                    : RandomAccess.Read(File!, Buffer.Span, Offset);
                break;
            case IoFileOperationKind.Write:
                Write();
                break;
            case IoFileOperationKind.Flush:
                RandomAccess.FlushToDisk(File!);
                break;
            case IoFileOperationKind.FlushData:
                FlushData();
                break;
            case IoFileOperationKind.Status:
                _status = FileStatus.Read(File, Path, doNotFollow: Flag, out var error);
                Error = error;
                break;
            case IoFileOperationKind.SetLength:
                RandomAccess.SetLength(File!, Offset);
                break;
            case IoFileOperationKind.Rename:
                Rename();
                break;
            default:
                Delete();
                break;
        }
    }

    private void Write()
    {
        if (SourceBuffers is { } buffers)
        {
            RandomAccess.Write(File!, buffers, Offset);
            foreach (var buffer in buffers)
            {
                BytesTransferred += buffer.Length;
            }
        }
        else
        {
            RandomAccess.Write(File!, Buffer.Span, Offset);
            BytesTransferred = Buffer.Length;
        }
    }

    private void FlushData()
    {
        if (!OperatingSystem.IsLinux())
        {
            RandomAccess.FlushToDisk(File!);
            return;
        }

        do
        {
            Error = LibC.FlushData(File!) < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (Error == Errno.EINTR);
    }

    /// <summary>
    /// By the system itself, where that is known: in one step, or not at all. The BCL would copy from one file system to another.
    /// </summary>
    private void Rename()
    {
        if (!OperatingSystem.IsLinux())
        {
            System.IO.File.Move(Path!, NewPath!, overwrite: Flag);
            return;
        }

        if (Flag)
        {
            Error = LibC.Rename(Path!, NewPath!) < 0 ? Marshal.GetLastPInvokeError() : 0;
            return;
        }

        try
        {
            Error = LibC.Rename(CurrentDirectory, Path!, CurrentDirectory, NewPath!, DoNotReplace) < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        catch (EntryPointNotFoundException)
        {
            Error = Errno.ENOSYS;
        }

        if (Error is Errno.ENOSYS or InvalidArgument)
        {
            // Not with this C library, or not on this file system.
            Error = 0;
            System.IO.File.Move(Path!, NewPath!, overwrite: false);
        }
    }

    private void Delete()
    {
        if (OperatingSystem.IsLinux())
        {
            Error = LibC.Delete(Path!) < 0 ? Marshal.GetLastPInvokeError() : 0;
            return;
        }

        Error = System.IO.File.Exists(Path!) ? 0 : NoSuchFile;
        System.IO.File.Delete(Path!);
    }
}

using System.Runtime.InteropServices;
using Baton.Drivers;

namespace Baton;

/// <summary>The BCL's exceptions of files, with messages that say what was being done, and to what.</summary>
internal static class FileFailure
{
    internal static string NameOf(IoFileOperationKind kind) => kind switch
    {
        IoFileOperationKind.Open => "Opening",
        IoFileOperationKind.Close => "Closing",
        IoFileOperationKind.Read => "Reading",
        IoFileOperationKind.Write => "Writing",
        IoFileOperationKind.Flush or IoFileOperationKind.FlushData => "Flushing",
        IoFileOperationKind.Status => "Looking at",
        IoFileOperationKind.SetLength => "Setting the length of",
        IoFileOperationKind.Rename => "Renaming",
        _ => "Deleting",
    };

    /// <summary>An exception for one of the system's error numbers, of the type that the BCL has for it.</summary>
    internal static Exception Create(int error, string operation, string? path)
    {
        var message = $"{operation} failed: {Marshal.GetPInvokeErrorMessage(error)}.";
        return error switch
        {
            2 => new FileNotFoundException(message, path), // ENOENT
            20 => new DirectoryNotFoundException(message), // ENOTDIR
            36 => new PathTooLongException(message), // ENAMETOOLONG
            Errno.EPERM or 9 or 13 => new UnauthorizedAccessException(message), // EBADF: not open for this; EACCES
            _ => new IOException(message, error),
        };
    }

    /// <summary>An exception of the BCL's, which does not say what was being done. Others than those of files stay as they are.</summary>
    internal static Exception Wrap(Exception failure, string operation, string? path)
    {
        var message = $"{operation} failed. {failure.Message}";
        return failure switch
        {
            FileNotFoundException => new FileNotFoundException(message, path, failure),
            DirectoryNotFoundException => new DirectoryNotFoundException(message, failure),
            PathTooLongException => new PathTooLongException(message, failure),
            UnauthorizedAccessException => new UnauthorizedAccessException(message, failure),
            IOException => new IOException(message, failure) { HResult = failure.HResult },

            // The BCL's for EFBIG: the file system, or a limit of the process, does not allow a file to be so long.
            ArgumentOutOfRangeException => new IOException(
                $"{operation} failed. The file would become longer than the system allows.", failure),
            _ => failure,
        };
    }
}

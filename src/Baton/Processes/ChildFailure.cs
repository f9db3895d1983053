using System.ComponentModel;
using Baton.Drivers;

namespace Baton;

/// <summary>
/// How a child that could not be started says so: with the exceptions that the BCL has for files, which hold the system's own error.
/// </summary>
internal static class ChildFailure
{
    private const int NotPermitted = Errno.EPERM;
    private const int AccessDenied = 13; // EACCES
    private const int NotADirectory = 20; // ENOTDIR
    private const int TooMuchText = 7; // E2BIG
    private const int NoProgram = 8; // ENOEXEC

    internal static bool IsMissing(int result) => result is -Errno.ENOENT or -NotADirectory;

    internal static bool IsDenied(int result) => result is -AccessDenied or -NotPermitted;

    /// <summary>The program could not be run.</summary>
    /// <param name="result">The error.</param>
    /// <param name="file">The program, as it was asked for.</param>
    /// <param name="path">The program, where it is; null where it was found nowhere.</param>
    /// <param name="options">How it was to be run.</param>
    internal static Exception Create(int result, string file, string? path, ChildProcessOptions options)
    {
        var inner = new Win32Exception(-result);
        var directory = options.WorkingDirectory;
        var what = $"Cannot run '{file}'" + (directory is null ? "" : $", in the working directory '{directory}'");
        if (directory is not null && (IsMissing(result) || IsDenied(result)) && ProblemOf(directory) is { } problem)
        {
            return IsMissing(result)
                ? new DirectoryNotFoundException($"Cannot run '{file}': the working directory '{directory}' {problem}.", inner)
                : new UnauthorizedAccessException($"Cannot run '{file}': the working directory '{directory}' {problem}.", inner);
        }

        if (IsMissing(result))
        {
            var where = path is null ? " in the folders of PATH" : "";
            return path is not null && File.Exists(Path.Combine(directory ?? "", path))
                ? new FileNotFoundException($"{what}: the file is there, but the interpreter or loader that it names is not.", file, inner)
                : new FileNotFoundException($"{what}: there is no such file{where}.", file, inner);
        }

        return result switch
        {
            -AccessDenied or -NotPermitted => new UnauthorizedAccessException(
                $"{what}: {inner.Message}. Is it a file that may be executed?", inner),
            -TooMuchText => new IOException($"{what}: its arguments and environment are longer than the system takes.", inner),
            -NoProgram => new IOException($"{what}: the file is no program, and does not name an interpreter in its first line.", inner),
            _ => new IOException($"{what}: {inner.Message}.", inner),
        };
    }

    /// <summary>Something that a child needs could not be made.</summary>
    internal static IOException Create(int result, string doing) =>
        new($"{doing} failed: {new Win32Exception(-result).Message}.", new Win32Exception(-result));

    private static string? ProblemOf(string directory)
    {
        if (!Directory.Exists(directory))
        {
            return File.Exists(directory) ? "is a file" : "does not exist, or cannot be looked at";
        }

        try
        {
            // What takes the permission to search it, as does to work there.
            _ = File.GetAttributes(Path.Combine(directory, "."));
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return "may not be entered";
        }
    }
}

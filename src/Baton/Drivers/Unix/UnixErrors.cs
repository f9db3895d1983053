namespace Baton.Drivers;

/// <summary>
/// What results of system calls mean on the system at hand, by Linux's numbers for the few errors that a driver must know.
/// </summary>
internal static class UnixErrors
{
    private const int AppleTryAgain = 35;

    /// <summary>
    /// The result with its error number, if it is one, as Linux has it. The Unix systems agree on the old ones, up to 34, except for
    /// EAGAIN.
    /// </summary>
    internal static int Normalize(int result) => result == -AppleTryAgain && !OperatingSystem.IsLinux() ? -Errno.EAGAIN : result;
}

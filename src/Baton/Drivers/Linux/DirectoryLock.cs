namespace Baton.Drivers;

/// <summary>
/// Keeps other programs that ask for the same lock from replacing a file of a directory at the same time. Nothing is left of it, not even
/// after a crash.
/// </summary>
internal readonly ref struct DirectoryLock : IDisposable
{
    private const int CloseOnExec = 0x80000; // O_CLOEXEC, and O_RDONLY, which is 0
    private const int ExclusiveNow = 2 | 4; // LOCK_EX | LOCK_NB
    private const int Attempts = 1000;

    private readonly int _descriptor;

    private DirectoryLock(int descriptor, bool isBusy)
    {
        _descriptor = descriptor;
        IsBusy = isBusy;
    }

    /// <summary>Whether somebody else has the lock, and keeps it.</summary>
    internal bool IsBusy { get; }

    /// <summary>
    /// Takes the lock, which others hold for moments only. A directory that cannot be read has none, and is as if locked.
    /// </summary>
    internal static DirectoryLock Take(string directory)
    {
        var descriptor = LibC.Open(directory, CloseOnExec);
        if (descriptor < 0)
        {
            return new DirectoryLock(-1, isBusy: false);
        }

        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (LibC.Lock(descriptor, ExclusiveNow) == 0)
            {
                return new DirectoryLock(descriptor, isBusy: false);
            }

            Thread.Yield();
        }

        return new DirectoryLock(descriptor, isBusy: true);
    }

    public void Dispose()
    {
        if (_descriptor >= 0)
        {
            _ = LibC.Close(_descriptor);
        }
    }
}

namespace Baton.Drivers;

// What io_uring may answer.
public static partial class Errno
{
    /// <summary>Something is in the way now: of a ring, completions that have not been taken.</summary>
    public const int EBUSY = 16;

    /// <summary>The kernel does not know what it was asked.</summary>
    public const int EINVAL = 22;

    /// <summary>The time of a wait is over.</summary>
    public const int ETIME = 62;

    /// <summary>Not for what this is.</summary>
    public const int EOPNOTSUPP = 95;

    /// <summary>It was cancelled.</summary>
    public const int ECANCELED = 125;
}

namespace Baton;

/// <summary>How a child process ended.</summary>
public readonly record struct ChildExitStatus
{
    /// <summary>The exit code of a child of which nobody knows how it ended, as asyncio has it.</summary>
    private const int UnknownCode = 255;

    private readonly Kind _kind;

    private ChildExitStatus(Kind kind, int number)
    {
        _kind = kind;
        Number = number;
    }

    private enum Kind : byte
    {
        Exited,
        Killed,
        Dumped,
        Unknown,
    }

    /// <summary>What the child returned; where a signal ended it, the number of the signal, negated; 255 where that is unknown.</summary>
    public int ExitCode => _kind switch
    {
        Kind.Exited => Number,
        Kind.Unknown => UnknownCode,
        _ => -Number,
    };

    /// <summary>The number of the signal that ended the child; null where it ended by itself.</summary>
    public int? Signal => _kind is Kind.Killed or Kind.Dumped ? Number : null;

    /// <summary>Whether a signal ended the child and the system wrote its memory to a file.</summary>
    public bool HasDumpedCore => _kind == Kind.Dumped;

    /// <summary>
    /// Whether nobody knows how the child ended, because somebody else in this process had waited for it before, and the kernel does not
    /// say.
    /// </summary>
    public bool IsUnknown => _kind == Kind.Unknown;

    /// <summary>Whether the child ended by itself and returned 0.</summary>
    public bool IsSuccess => _kind == Kind.Exited && Number == 0;

    internal static ChildExitStatus Unknown => new(Kind.Unknown, 0);

    private int Number { get; }

    /// <summary>Such as "exited with 1" or "was ended by SIGKILL".</summary>
    public override string ToString() => _kind switch
    {
        Kind.Exited => $"exited with {Number}",
        Kind.Unknown => "ended, nobody knows how",
        Kind.Dumped => $"was ended by {SignalNumbers.NameOf(Number)}, with a core dump",
        _ => $"was ended by {SignalNumbers.NameOf(Number)}",
    };

    /// <summary>As waitid tells it.</summary>
    internal static ChildExitStatus FromCode(int code, int number) => code switch
    {
        1 => new ChildExitStatus(Kind.Exited, number),
        3 => new ChildExitStatus(Kind.Dumped, number),
        _ => new ChildExitStatus(Kind.Killed, number),
    };

    /// <summary>As waitpid tells it.</summary>
    internal static ChildExitStatus FromStatus(int status)
    {
        var signal = status & 0x7F;
        return signal == 0 ? new ChildExitStatus(Kind.Exited, (status >> 8) & 0xFF)
            : new ChildExitStatus((status & 0x80) != 0 ? Kind.Dumped : Kind.Killed, signal);
    }
}

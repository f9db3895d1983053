namespace Baton.Soak.Faults;

/// <summary>How often a <see cref="FaultDriver"/> does what to an operation; each a probability from 0 to 1.</summary>
public sealed record FaultPlan
{
    /// <summary>Nothing but what the driver below does.</summary>
    public static FaultPlan None { get; } = new() { Name = "plain" };

    /// <summary>What a program must not notice: transfers come in pieces, and what is done is told late.</summary>
    public static FaultPlan Subtle { get; } = new()
    {
        Name = "subtle",
        ShortTransfer = 0.3,
        WouldBlock = 0.2,
        Delay = 0.2,
        VainWait = 0.05,
    };

    /// <summary>The same, and what a program must survive: resets, refusals, exhausted descriptors, lost datagrams.</summary>
    public static FaultPlan Harsh { get; } = Subtle with
    {
        Name = "harsh",
        Reset = 0.003,
        FailedConnect = 0.03,
        FailedAccept = 0.03,
        FailedCreate = 0.02,
        LostDatagram = 0.05,
        FailedDatagram = 0.01,
    };

    /// <summary>What lines and messages call the plan.</summary>
    public required string Name { get; init; }

    /// <summary>A receive or send of a stream moves less than it could.</summary>
    public double ShortTransfer { get; init; }

    /// <summary>A call that does not wait says that it would have to, though it would not.</summary>
    public double WouldBlock { get; init; }

    /// <summary>An operation that is done is told some polls later.</summary>
    public double Delay { get; init; }

    /// <summary>A wait, for data or for room, ends although there is none; whoever has waited then has to wait again.</summary>
    public double VainWait { get; init; }

    /// <summary>A receive or send finds that the peer has reset the connection.</summary>
    public double Reset { get; init; }

    /// <summary>A connect fails.</summary>
    public double FailedConnect { get; init; }

    /// <summary>An accept fails, for one because the process has too many descriptors.</summary>
    public double FailedAccept { get; init; }

    /// <summary>A socket cannot be created because the process has too many descriptors.</summary>
    public double FailedCreate { get; init; }

    /// <summary>A datagram is sent and never arrives.</summary>
    public double LostDatagram { get; init; }

    /// <summary>A receive of a datagram tells that an earlier one met nobody.</summary>
    public double FailedDatagram { get; init; }

    /// <summary>Whether operations may fail that would not without the plan.</summary>
    public bool MayFail => Reset + FailedConnect + FailedAccept + FailedCreate + FailedDatagram > 0;
}

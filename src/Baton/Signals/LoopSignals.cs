using System.Runtime.InteropServices;

namespace Baton;

/// <summary>
/// The signals that <see cref="PosixSignal"/> has no name for and programs use most. Any other is its raw number, cast:
/// <c>(PosixSignal)14</c> is SIGALRM on Linux.
/// </summary>
public static class LoopSignals
{
    private const PosixSignal LowestName = (PosixSignal)(-10);
    private const PosixSignal Highest = (PosixSignal)64;

    private const PosixSignal Kill = (PosixSignal)9;

    // SIGILL to SIGFPE.
    private const PosixSignal LowestFault = (PosixSignal)4;
    private const PosixSignal HighestFault = (PosixSignal)8;
    private const PosixSignal SegmentationFault = (PosixSignal)11;
    private const PosixSignal BusErrorElsewhere = (PosixSignal)10;

    // SIGRTMIN, by which the runtime interrupts its threads to collect garbage.
    private const PosixSignal Activation = (PosixSignal)34;
    private const PosixSignal ActivationOnMusl = (PosixSignal)35;

    /// <summary>SIGUSR1, which means what the program says.</summary>
    public static PosixSignal User1 => UsesLinuxNumbers ? (PosixSignal)10 : (PosixSignal)30;

    /// <summary>SIGUSR2, which means what the program says.</summary>
    public static PosixSignal User2 => UsesLinuxNumbers ? (PosixSignal)12 : (PosixSignal)31;

    private static bool UsesLinuxNumbers => OperatingSystem.IsLinux() || OperatingSystem.IsAndroid() || OperatingSystem.IsWindows();

    /// <summary>The signal, by its name of the BCL's where it has one, so that a raw number and a name are the same signal.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There can be no such signal.</exception>
    internal static PosixSignal Normalize(PosixSignal signal)
    {
        if (signal is < LowestName or 0 or > Highest)
        {
            throw new ArgumentOutOfRangeException(
                nameof(signal),
                signal,
                $"There is no signal {(int)signal}. Pass a member of PosixSignal or LoopSignals, or a number from 1 to {(int)Highest}.");
        }

        // There, no signal has a number.
        return OperatingSystem.IsWindows() ? signal : (int)signal switch
        {
            1 => PosixSignal.SIGHUP,
            2 => PosixSignal.SIGINT,
            3 => PosixSignal.SIGQUIT,
            15 => PosixSignal.SIGTERM,
            21 => PosixSignal.SIGTTIN,
            22 => PosixSignal.SIGTTOU,
            28 => PosixSignal.SIGWINCH,
            17 when UsesLinuxNumbers => PosixSignal.SIGCHLD,
            18 when UsesLinuxNumbers => PosixSignal.SIGCONT,
            20 when UsesLinuxNumbers => PosixSignal.SIGTSTP,
            18 when !UsesLinuxNumbers => PosixSignal.SIGTSTP,
            19 when !UsesLinuxNumbers => PosixSignal.SIGCONT,
            20 when !UsesLinuxNumbers => PosixSignal.SIGCHLD,
            _ => signal,
        };
    }

    /// <summary>Has a function called by the runtime, on a thread of its own, whenever a signal arrives.</summary>
    /// <exception cref="InvalidOperationException">Nobody, or nobody but the runtime, can handle this signal.</exception>
    internal static PosixSignalRegistration Register(PosixSignal signal, Action<PosixSignalContext> handler)
    {
        if (IsRuntimes(signal))
        {
            throw new InvalidOperationException(
                $"Signal {(int)signal} cannot be handled: it is the runtime's own, for faults of the processor or for its threads. " +
                "A handler would keep the runtime from seeing it.");
        }

        try
        {
            return PosixSignalRegistration.Create(signal, handler);
        }
        catch (IOException exception)
        {
            throw new InvalidOperationException(
                signal == Kill
                    ? "Signal 9 (SIGKILL) cannot be handled: it ends the process whatever the process wants. Handle SIGTERM, by which " +
                      "others ask a process to end."
                    : $"Signal {(int)signal} cannot be handled: the system refuses it ({exception.Message}).",
                exception);
        }
    }

    private static bool IsRuntimes(PosixSignal signal) => signal switch
    {
        >= LowestFault and <= HighestFault or SegmentationFault => true,
        BusErrorElsewhere => !UsesLinuxNumbers,
        Activation => UsesLinuxNumbers,
        ActivationOnMusl => UsesLinuxNumbers && RuntimeInformation.RuntimeIdentifier.Contains("musl", StringComparison.Ordinal),
        _ => false,
    };
}

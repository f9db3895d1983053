using System.Runtime.InteropServices;

namespace Baton;

/// <summary>The numbers that Linux has for signals, the same on all of .NET's processors.</summary>
internal static class SignalNumbers
{
    internal const int Kill = 9;
    internal const int Terminate = 15;

    /// <summary>The signals of <see cref="PosixSignal"/>, whose values are negative.</summary>
    private static readonly int[] s_named = [1, 2, 3, Terminate, 17, 18, 28, 21, 22, 20];

    private static readonly string[] s_names =
    [
        "SIGHUP", "SIGINT", "SIGQUIT", "SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGKILL", "SIGUSR1", "SIGSEGV", "SIGUSR2",
        "SIGPIPE", "SIGALRM", "SIGTERM", "SIGSTKFLT", "SIGCHLD", "SIGCONT", "SIGSTOP", "SIGTSTP", "SIGTTIN", "SIGTTOU", "SIGURG",
        "SIGXCPU", "SIGXFSZ",
        "SIGVTALRM", "SIGPROF", "SIGWINCH", "SIGIO", "SIGPWR", "SIGSYS",
    ];

    internal static string NameOf(int signal) => signal >= 1 && signal <= s_names.Length ? s_names[signal - 1] : $"signal {signal}";

    /// <summary>The number of a signal that the BCL has a name for; the others are the numbers themselves.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such signal.</exception>
    internal static int NumberOf(PosixSignal signal) => (int)signal switch
    {
        > 0 and var number => number,
        < 0 and var name when -name <= s_named.Length => s_named[-name - 1],
        _ => throw new ArgumentOutOfRangeException(nameof(signal), signal, "There is no such signal on Linux."),
    };
}

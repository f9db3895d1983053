using System.Collections.Immutable;
using System.ComponentModel;
using Baton.Drivers;

namespace Baton;

/// <summary>How a <see cref="ChildProcess"/> is started, and how it ends. Everything has a default.</summary>
public sealed class ChildProcessOptions
{
    internal static readonly ChildProcessOptions Default = new();

    private readonly TimeSpan _gracePeriod;

    /// <summary>
    /// The child's standard input. Null for the default: <see cref="StandardStream.Inherit"/>, except that
    /// <see cref="ChildProcess.RunAsync(string, IEnumerable{string}, ReadOnlyMemory{byte}, ChildProcessOptions?, bool)"/> takes a pipe
    /// where there is something to be fed and else the null device, and that transports take pipes.
    /// </summary>
    public StandardStream? StandardInput { get; init; }

    /// <summary>
    /// The child's standard output. Null for the default: <see cref="StandardStream.Inherit"/>, of
    /// <see cref="ChildProcess.RunAsync(string, IEnumerable{string}, ReadOnlyMemory{byte}, ChildProcessOptions?, bool)"/> and of transports
    /// a pipe.
    /// </summary>
    public StandardStream? StandardOutput { get; init; }

    /// <summary>
    /// The child's standard error stream. Null for the default: <see cref="StandardStream.Inherit"/>, of
    /// <see cref="ChildProcess.RunAsync(string, IEnumerable{string}, ReadOnlyMemory{byte}, ChildProcessOptions?, bool)"/> and of transports
    /// a pipe.
    /// </summary>
    public StandardStream? StandardError { get; init; }

    /// <summary>Descriptors that the child gets beside its standard streams. It gets no others.</summary>
    public IReadOnlyList<PassedDescriptor> PassedDescriptors { get; init; } = [];

    /// <summary>
    /// The child's working directory; null for that of this process. A relative file name, and relative folders of PATH, are looked for
    /// from there.
    /// </summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>
    /// Variables that the child has in its environment beside those of this process, or instead of them; one whose value is null it does
    /// not have. PATH, where it is here, is also where the child's file is looked for.
    /// </summary>
    public IReadOnlyDictionary<string, string?> Environment { get; init; } = ImmutableDictionary<string, string?>.Empty;

    /// <summary>Whether <see cref="Environment"/> is all that the child has, instead of being added to that of this process.</summary>
    public bool ClearEnvironment { get; init; }

    /// <summary>What the child is told that its name is (<c>argv[0]</c>); null for the file as it was given.</summary>
    public string? ProgramName { get; init; }

    /// <summary>
    /// Whether the child leads a process group of its own, which can be signalled as a whole, and which a terminal's Ctrl-C does not reach.
    /// </summary>
    public bool NewProcessGroup { get; init; }

    /// <summary>The number of a process group for the child to join; null for the group of this process.</summary>
    public int? ProcessGroup { get; init; }

    /// <summary>
    /// Whether the child leads a session of its own, and with it a process group, without a controlling terminal. Corresponds to
    /// <c>start_new_session</c>.
    /// </summary>
    public bool NewSession { get; init; }

    /// <summary>
    /// Whether <see cref="ChildProcess.DisposeAsync"/> and <see cref="ChildProcess.Dispose"/> end a child that runs. True unless set. Where
    /// false, the child runs on; it is still waited for, so that no zombie is left, for as long as this process runs.
    /// </summary>
    public bool KillOnDispose { get; init; } = true;

    /// <summary>
    /// Whether what ends the child by itself (disposing of it, <see cref="ChildProcess.StopAsync"/>, a
    /// <see cref="ChildProcess.RunAsync(string, IEnumerable{string}, ReadOnlyMemory{byte}, ChildProcessOptions?, bool)"/> that is
    /// cancelled) ends its whole process group, grandchildren included. Takes <see cref="NewProcessGroup"/> or <see cref="NewSession"/>.
    /// </summary>
    public bool KillEntireGroup { get; init; }

    /// <summary>
    /// How long <see cref="ChildProcess.DisposeAsync"/> and a
    /// <see cref="ChildProcess.RunAsync(string, IEnumerable{string}, ReadOnlyMemory{byte}, ChildProcessOptions?, bool)"/> that is cancelled
    /// leave a child to end by itself after <see cref="ChildProcess.Terminate"/>, before they kill it. None unless set: it is killed at
    /// once. What <see cref="ChildProcess.StopAsync"/> takes unless told otherwise.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public TimeSpan GracePeriod
    {
        get => _gracePeriod;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            _gracePeriod = value;
        }
    }

    /// <summary>
    /// How much each pipe holds, in bytes; null for what is good for throughput (see <c>docs/processes.md</c>). The system rounds it up,
    /// and does not grant more than <c>/proc/sys/fs/pipe-max-size</c>; where it refuses, the pipe holds what it held, as a rule 64 KiB.
    /// </summary>
    public int? PipeSize { get; init; }

    /// <summary>
    /// How much of each output <see cref="ChildProcess.CommunicateAsync"/> and
    /// <see cref="ChildProcess.RunAsync(string, IEnumerable{string}, ReadOnlyMemory{byte}, ChildProcessOptions?, bool)"/> keep, in bytes: a
    /// child that writes more fails the call. As much as an array holds, about 2 GiB, unless set.
    /// </summary>
    public int OutputLimit { get; init; } = Array.MaxLength;

    /// <summary>The system calls that are used, for tests that inject faults; null for the system as it is.</summary>
    [EditorBrowsable(EditorBrowsableState.Advanced)]
    public LinuxProcessCalls? SystemCalls { get; init; }

    internal bool LeadsGroup => NewProcessGroup || NewSession;

    internal void Check()
    {
        if (ReferenceEquals(StandardInput, StandardStream.Output) || ReferenceEquals(StandardOutput, StandardStream.Output))
        {
            throw new ArgumentException("StandardStream.Output is for the standard error stream: it joins that with the standard output.");
        }

        if (ProcessGroup is not null && LeadsGroup)
        {
            throw new ArgumentException(
                "A child either joins a process group, by ProcessGroup, or leads one of its own, by NewProcessGroup or NewSession.");
        }

        if (KillEntireGroup && !LeadsGroup)
        {
            throw new ArgumentException("KillEntireGroup takes a group of the child's own: set NewProcessGroup or NewSession as well.");
        }

        ArgumentNullException.ThrowIfNull(PassedDescriptors);
        ArgumentNullException.ThrowIfNull(Environment);
        ArgumentOutOfRangeException.ThrowIfNegative(OutputLimit);
        if (PipeSize is { } size)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size, nameof(PipeSize));
        }

        if (ProcessGroup is { } group)
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(group, nameof(ProcessGroup));
        }
    }
}

using System.Runtime.Versioning;

namespace Baton;

/// <summary>
/// A program that this process has started: its standard streams, its signals and its end. Corresponds to asyncio's
/// <c>create_subprocess_exec</c>, <c>create_subprocess_shell</c> and <c>Process</c>.
/// </summary>
/// <remarks>
/// <para>Dispose of it with <c>await using</c>: that kills the child where it still runs, closes the pipes, and waits until it has ended.
/// No zombie is left in any case: the loop takes the exit status by itself. It watches a descriptor for each child and leaves all other
/// children of the process alone, those of the BCL's <see cref="System.Diagnostics.Process"/> included.</para>
/// <para>The end of the child and the end of its output are two things: a grandchild may hold the pipes open for long.
/// <see cref="WaitForExitAsync"/> waits for the one, reading to the end of <see cref="StandardOutput"/> for the other.</para>
/// <para>Works on Linux. All members are for the loop's thread.</para>
/// </remarks>
public sealed partial class ChildProcess : IAsyncDisposable, IDisposable
{
    private readonly string _file;

    private ChildProcess(EventLoop loop, string file, ChildProcessOptions options, int id, ChildPipes pipes)
    {
        Loop = loop;
        _file = file;
        Options = options;
        Id = id;
        StandardInput = pipes.Input;
        StandardOutput = pipes.Output;
        StandardError = pipes.Error;
        Reaper = new ChildReaper(this, loop, options.SystemCalls ?? s_calls, id, options.LeadsGroup);
    }

    /// <summary>Whether child processes can be started here: on Linux.</summary>
    [SupportedOSPlatformGuard("linux")]
    public static bool IsSupported => OperatingSystem.IsLinux();

    /// <summary>The loop to which the child belongs.</summary>
    public EventLoop Loop { get; }

    /// <summary>The system's number of the process. Somebody else's perhaps once it has ended.</summary>
    public int Id { get; }

    /// <summary>
    /// The writing end of the child's standard input; null where that is no pipe. Completing or closing it tells the child of the end.
    /// </summary>
    public Connection? StandardInput { get; }

    /// <summary>The reading end of the child's standard output; null where that is no pipe.</summary>
    public Connection? StandardOutput { get; }

    /// <summary>The reading end of the child's standard error stream; null where that is no pipe.</summary>
    public Connection? StandardError { get; }

    /// <summary>Whether the child has ended, and the loop knows.</summary>
    public bool HasExited => Reaper.Status is not null;

    /// <summary>
    /// What the child returned; the number of the signal that ended it, negated; null while it runs. Corresponds to <c>returncode</c>. 255,
    /// with a warning, where something else in this process has taken the exit status and the kernel does not keep it.
    /// </summary>
    public int? ExitCode => Reaper.Status?.ExitCode;

    /// <summary>How the child ended; null while it runs.</summary>
    public ChildExitStatus? ExitStatus => Reaper.Status;

    internal ChildProcessOptions Options { get; }

    internal ChildReaper Reaper { get; }

    internal bool IsDisposed { get; private set; }

    /// <summary>
    /// Waits until the child has ended, whoever still holds its pipes. Any number of callers may wait, again and again; to cancel one has
    /// no effect on the child. Corresponds to <c>Process.wait</c>.
    /// </summary>
    /// <returns>As <see cref="ExitCode"/>.</returns>
    /// <remarks>A child that fills a pipe that nobody reads never ends: see <see cref="CommunicateAsync"/>.</remarks>
    public async Coroutine<int> WaitForExitAsync()
    {
        Loop.CheckThread();
        await Reaper.WaitAsync(isCancellable: true);
        return Reaper.Status!.Value.ExitCode;
    }

    /// <summary>Such as "child process 123 'git' (running)".</summary>
    public override string ToString() => $"child process {Id} '{_file}' ({(Reaper.Status is { } status ? status.ToString() : "running")})";
}

using Baton.Drivers;

namespace Baton;

public sealed partial class ChildProcess
{
    private static readonly LinuxProcessCalls s_calls = new();

    /// <summary>
    /// Starts a program, with everything at its default. See <see cref="Start(string, IEnumerable{string}, ChildProcessOptions?)"/>.
    /// </summary>
    /// <inheritdoc cref="Start(string, IEnumerable{string}, ChildProcessOptions?)"/>
    public static ChildProcess Start(string file, params IEnumerable<string> arguments) => Start(file, arguments, null);

    /// <summary>Starts a program on the current loop. Corresponds to <c>asyncio.create_subprocess_exec</c>.</summary>
    /// <param name="file"> The program. Where the name has no slash, it is looked for in the folders of PATH of the child's own
    /// environment, or in /bin and /usr/bin where that has none; as any relative path from the child's working directory.
    /// </param>
    /// <param name="arguments">Its arguments, which reach it as they are: no shell looks at them.</param>
    /// <param name="options">Details; null for the defaults, by which the child shares the standard streams of this process.</param>
    /// <remarks>
    /// Returns when the program runs, which takes some hundred microseconds, in which the loop does nothing else. The child has no signal
    /// blocked, and those that .NET ignores or handles are back at their defaults. It has no descriptors but those that it was given.
    /// </remarks>
    /// <exception cref="FileNotFoundException">There is no such program, or the interpreter that it names is missing.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such working directory.</exception>
    /// <exception cref="UnauthorizedAccessException">The program may not be executed, or the working directory not be entered.</exception>
    /// <exception cref="IOException">The system cannot run it, for one because there are too many processes or descriptors.</exception>
    /// <exception cref="ArgumentException">The options contradict one another, or a text contains a null character.</exception>
    /// <exception cref="InvalidOperationException">No event loop runs on this thread.</exception>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    public static ChildProcess Start(string file, IEnumerable<string> arguments, ChildProcessOptions? options)
    {
        ArgumentException.ThrowIfNullOrEmpty(file);
        ArgumentNullException.ThrowIfNull(arguments);
        options ??= ChildProcessOptions.Default;
        var inherit = StandardStream.Inherit;
        return Start(
            file,
            arguments,
            options,
            options.StandardInput ?? inherit,
            options.StandardOutput ?? inherit,
            options.StandardError ?? inherit);
    }

    /// <summary>Has the shell, <c>/bin/sh</c>, run a command. Corresponds to <c>asyncio.create_subprocess_shell</c>.</summary>
    /// <param name="command">
    /// The command line. What comes from outside and is put into it is a command as well: quote it, or pass it in the environment, or use
    /// <see cref="Start(string, IEnumerable{string}, ChildProcessOptions?)"/>.
    /// </param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <inheritdoc cref="Start(string, IEnumerable{string}, ChildProcessOptions?)" path="/exception"/>
    public static ChildProcess StartShell(string command, ChildProcessOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(command);
        return Start("/bin/sh", ["-c", command], options);
    }

    internal static ChildProcess Start(
        string file, IEnumerable<string> arguments, ChildProcessOptions options, StandardStream input, StandardStream output,
        StandardStream error)
    {
        var loop = EventLoop.Current;
        if (!IsSupported)
        {
            throw new PlatformNotSupportedException(
                "Baton starts child processes on Linux only. Use System.Diagnostics.Process here, whose tasks can be " +
                "awaited on a loop as well.");
        }

        options.Check();
        int id;
        ChildPipes pipes;
        using (var starter = new ChildStarter(options.SystemCalls ?? s_calls, file, options))
        {
            starter.SetStreams(input, output, error);
            starter.SetProgram(arguments);
            id = starter.Spawn();
            pipes = starter.TakePipes();
        }

        var child = new ChildProcess(loop, file, options, id, pipes);
        try
        {
            child.Reaper.Start();
        }
        catch
        {
            child.ClosePipes();
            throw;
        }

        loop.TrackResource(child, static child => child is ChildProcess { IsDisposed: false, HasExited: false });
        return child;
    }
}

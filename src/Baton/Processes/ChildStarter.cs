using System.Collections;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Baton.Drivers;
using Microsoft.Win32.SafeHandles;

namespace Baton;

/// <summary>
/// Makes what a child needs and starts it. Whatever fails on the way, nothing is left: this side's ends of the pipes become connections
/// before there is a child, and closing the starter closes all that was made for it and not taken.
/// </summary>
internal sealed class ChildStarter(LinuxProcessCalls calls, string file, ChildProcessOptions options) : IDisposable
{
    private const string NullDevice = "/dev/null";
    private const string DefaultPath = "/bin:/usr/bin";
    private const int FirstFree = 3;

    private readonly ChildPlan _plan = new()
    {
        WorkingDirectory = options.WorkingDirectory,
        Group = options.NewProcessGroup && !options.NewSession ? 0 : options.ProcessGroup,
        NewSession = options.NewSession,
    };

    private readonly List<int> _made = [];
    private readonly List<SafeHandle> _borrowed = [];
    private ChildPipes _pipes;

    internal void SetStreams(StandardStream input, StandardStream output, StandardStream error)
    {
        _plan.ErrorIsOutput = error.Kind == StandardStreamKind.Output;
        _pipes = _pipes with { Input = SetStream(input, 0) };
        _pipes = _pipes with { Output = SetStream(output, 1) };
        _pipes = _pipes with { Error = SetStream(error, 2) };
        foreach (var (handle, number) in options.PassedDescriptors)
        {
            ArgumentNullException.ThrowIfNull(handle, nameof(options.PassedDescriptors));
            var source = Borrow(handle);
            var target = number ?? source;
            if (target < FirstFree || _plan.Descriptors.Any(descriptor => descriptor.Target == target))
            {
                throw new ArgumentException(
                    $"Descriptor {target} of the child is a standard stream, or is passed twice. " +
                    $"Numbers for others begin with {FirstFree}.");
            }

            _plan.AddDescriptor(source, target);
        }

        for (var i = 0; i < _plan.Descriptors.Count; i++)
        {
            if (_plan.MustMove(i))
            {
                var moved = calls.Duplicate(_plan.Descriptors[i].Source, _plan.LastTarget + 1);
                Check(moved, "Passing a descriptor to a child process");
                _made.Add(moved);
                _plan.ReplaceSource(i, moved);
            }
        }
    }

    internal void SetProgram(IEnumerable<string> arguments)
    {
        _plan.AddArgument(CheckText(options.ProgramName ?? file, nameof(file)));
        foreach (var argument in arguments)
        {
            ArgumentNullException.ThrowIfNull(argument, nameof(arguments));
            _plan.AddArgument(CheckText(argument, nameof(arguments)));
        }

        CheckText(file, nameof(file));
        CheckText(options.WorkingDirectory ?? "", nameof(options.WorkingDirectory));
        if (!options.ClearEnvironment)
        {
            foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            {
                var name = (string)variable.Key;
                if (!options.Environment.ContainsKey(name))
                {
                    _plan.AddVariable(name, (string?)variable.Value ?? "");
                }
            }
        }

        foreach (var (name, value) in options.Environment)
        {
            if (name.Length == 0 || name.Contains('='))
            {
                throw new ArgumentException($"'{name}' cannot be the name of an environment variable.");
            }

            if (value is not null)
            {
                _plan.AddVariable(CheckText(name, nameof(options.Environment)), CheckText(value, nameof(options.Environment)));
            }
        }
    }

    /// <summary>Starts the child.</summary>
    /// <returns>Its number.</returns>
    internal int Spawn()
    {
        if (file.Contains('/'))
        {
            var result = calls.Spawn(file, _plan);
            return result >= 0 ? result : throw ChildFailure.Create(result, file, file, options);
        }

        var failure = -Errno.ENOENT;
        string? found = null;
        foreach (var folder in SearchPath().Split(':'))
        {
            var candidate = folder.Length == 0 ? $"./{file}" : Path.Combine(folder, file);

            // A look is cheaper than a process that comes to nothing.
            var result = calls.FindFile(Path.Combine(options.WorkingDirectory ?? "", candidate));
            if (result >= 0)
            {
                found ??= candidate;
                result = calls.Spawn(candidate, _plan);
                if (result >= 0)
                {
                    return result;
                }
            }

            if (!ChildFailure.IsMissing(result))
            {
                failure = result;
                if (!ChildFailure.IsDenied(result))
                {
                    break;
                }
            }
        }

        throw ChildFailure.Create(failure, file, found, options);
    }

    internal ChildPipes TakePipes()
    {
        var pipes = _pipes;
        _pipes = default;
        return pipes;
    }

    public void Dispose()
    {
        foreach (var descriptor in _made)
        {
            calls.Close(descriptor);
        }

        foreach (var handle in _borrowed)
        {
            handle.DangerousRelease();
        }

        _pipes.Input?.Dispose();
        _pipes.Output?.Dispose();
        _pipes.Error?.Dispose();
    }

    private static int Check(int result, string doing) => result >= 0 ? result : throw ChildFailure.Create(result, doing);

    private static string CheckText(string text, string parameter) =>
        text.Contains('\0')
            ? throw new ArgumentException("A text that is passed to a program cannot contain a null character.", parameter)
            : text;

    private string SearchPath()
    {
        if (!options.Environment.TryGetValue("PATH", out var path) && !options.ClearEnvironment)
        {
            path = Environment.GetEnvironmentVariable("PATH");
        }

        return path ?? DefaultPath;
    }

    private Connection? SetStream(StandardStream stream, int target)
    {
        switch (stream.Kind)
        {
            case StandardStreamKind.Pipe:
                return MakePipe(target);
            case StandardStreamKind.Null:
                _plan.AddFile(NullDevice, target);
                break;
            case StandardStreamKind.Terminal:
                ObjectDisposedException.ThrowIf(stream.Terminal!.Connection.IsClosed, stream.Terminal);
                _plan.AddFile(stream.Terminal.SlavePath, target);
                break;
            case StandardStreamKind.Handle:
                _plan.AddDescriptor(Borrow(stream.Handle!), target);
                break;
        }

        return null;
    }

    private int Borrow(SafeHandle handle)
    {
        var isAdded = false;
        handle.DangerousAddRef(ref isAdded);
        _borrowed.Add(handle);
        return (int)handle.DangerousGetHandle();
    }

    private Connection MakePipe(int target)
    {
        const string Doing = "Making a pipe for a child process";
        Check(calls.CreatePipe(out var reader, out var writer), Doing);
        var (ours, theirs) = target == 0 ? (writer, reader) : (reader, writer);
        _made.Add(theirs);
        _plan.AddDescriptor(theirs, target);

        // Non-blocking on this side only: the two ends are two open files, and nobody else has this one.
        using var handle = new SafeFileHandle(ours, ownsHandle: true);
        Check(calls.SetNonBlocking(ours), Doing);
        if (options.PipeSize is { } size)
        {
            // A wish. Where the system refuses, the pipe is as good as any.
            calls.SetPipeSize(ours, size);
        }

        try
        {
            return Connection.FromHandle(handle);
        }
        catch (SocketException exception)
        {
            throw new IOException($"{Doing} failed: {exception.Message}", exception);
        }
    }
}

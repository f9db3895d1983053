using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading.Channels;

namespace Baton.Tests.Samples;

/// <summary>
/// A program that runs beside the test: one of the samples, or a tool from outside. It ends, at the latest, with the test.
/// </summary>
internal sealed class SampleProcess : IAsyncDisposable
{
    /// <summary>Far beyond what any of these programs needs, so that only one that hangs meets it.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly CancellationTokenSource _guard = new(Limit);
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly StringBuilder _output = new();
    private readonly Task _pump;
    private readonly Task<string> _errors;

    private SampleProcess(Process process)
    {
        _process = process;
        _pump = PumpAsync();
        _errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
    }

    private static string Host => Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet";

    public StreamWriter Input => _process.StandardInput;

    /// <summary>The command that starts a sample.</summary>
    public static string[] CommandOf(string name, params string[] arguments) => [Host, "exec", PathOf(name), .. arguments];

    /// <summary>Starts a sample, which the build has put next to this assembly.</summary>
    public static SampleProcess StartSample(string name, params string[] arguments) => Start(Host, ["exec", PathOf(name), .. arguments]);

    /// <summary>
    /// Starts a sample that may have only so many descriptors. Without any, the runtime cannot start another thread for its pool, and ends
    /// the process; so the BCL is told to report to the portable driver from the thread that it has.
    /// </summary>
    public static SampleProcess StartSampleWithDescriptorLimit(int limit, string name, params string[] arguments) =>
        Start("/bin/sh", ["-c", $"ulimit -n {limit}; export DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS=1; exec \"$@\"", "sh", Host, "exec", PathOf(name), .. arguments]);

    /// <summary>Starts a sample with a variable in its environment, as <c>NAME=value</c>.</summary>
    public static SampleProcess StartSampleWithVariable(string variable, string name, params string[] arguments) =>
        Start("/usr/bin/env", [variable, Host, "exec", PathOf(name), .. arguments]);

    /// <summary>
    /// Starts a sample to which the kernel denies a system call, as it does in a container whose profile forbids it. Needs Python to say so.
    /// </summary>
    public static SampleProcess StartSampleWithoutSystemCall(int number, string variable, string name, params string[] arguments)
    {
        // A filter of four instructions: load the number; where it is that one, EPERM, else go on.
        const string Script = """
            import ctypes, os, struct, sys
            code = b''.join(struct.pack('HBBI', *i) for i in [(32, 0, 0, 0), (21, 0, 1, int(sys.argv[1])), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)])
            buffer = ctypes.create_string_buffer(code)
            program = ctypes.create_string_buffer(struct.pack('HxxxxxxP', 4, ctypes.addressof(buffer)))
            prctl = ctypes.CDLL(None, use_errno=True).prctl
            assert prctl(38, 1, 0, 0, 0) == 0 and prctl(22, 2, ctypes.c_void_p(ctypes.addressof(program)), 0, 0) == 0
            os.execvp(sys.argv[2], sys.argv[2:])
            """;
        return StartTool(
            "python3", ["-c", Script, number.ToString(System.Globalization.CultureInfo.InvariantCulture), "/usr/bin/env", variable, Host, "exec", PathOf(name), .. arguments]);
    }

    /// <summary>Starts a tool, or skips the test where it is not installed.</summary>
    public static SampleProcess StartTool(string name, params string[] arguments)
    {
        var folders = Environment.GetEnvironmentVariable("PATH")!.Split(Path.PathSeparator);
        Assert.SkipUnless(folders.Any(folder => File.Exists(Path.Combine(folder, name))), $"{name} is not installed.");
        return Start(name, arguments);
    }

    /// <summary>Waits for a line of output that contains a text.</summary>
    public async Task<string> WaitForLineAsync(string text)
    {
        await foreach (var line in _lines.Reader.ReadAllAsync(_guard.Token))
        {
            if (line.Contains(text, StringComparison.Ordinal))
            {
                return line;
            }
        }

        throw new InvalidOperationException(
            $"The program ended without a line that contains '{text}'. It printed:\n{_output}\n{await _errors}");
    }

    /// <summary>Waits for the end.</summary>
    public async Task<SampleResult> WaitForExitAsync()
    {
        await _process.WaitForExitAsync(_guard.Token);
        await _pump;
        return new SampleResult(_process.ExitCode, _output.ToString(), await _errors);
    }

    public void Signal(PosixSignal signal)
    {
        const int SigInt = 2;
        const int SigTerm = 15;
        Signal(signal == PosixSignal.SIGINT ? SigInt : SigTerm);
    }

    /// <summary>Interrupts a program that may have ended.</summary>
    public void TryInterrupt() => _ = Kill(_process.Id, 2);

    /// <summary>Sends a signal by its number.</summary>
    public void Signal(int number) => Assert.Equal(0, Kill(_process.Id, number));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }

        await _pump;
        await _errors;
        _process.Dispose();
        _guard.Dispose();
    }

    private static string PathOf(string sample)
    {
        var here = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        return Path.Combine(here.Parent!.Parent!.FullName, sample, here.Name, sample + ".dll");
    }

    private static SampleProcess Start(string program, IEnumerable<string> arguments) => new(Process.Start(new ProcessStartInfo(program, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!);

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int processId, int signal);

    private async Task PumpAsync()
    {
        while (await _process.StandardOutput.ReadLineAsync(CancellationToken.None) is { } line)
        {
            _output.AppendLine(line);
            _lines.Writer.TryWrite(line);
        }

        _lines.Writer.Complete();
    }
}

/// <summary>How a program ended, and everything that it printed.</summary>
internal sealed record SampleResult(int ExitCode, string Output, string Errors)
{
    /// <summary>The last line of the output.</summary>
    public string LastLine => Output.TrimEnd().Split('\n')[^1];

    /// <summary>Fails if a user would see a stack trace.</summary>
    public SampleResult WithoutStackTrace()
    {
        Assert.DoesNotContain("   at ", Output + Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled", Output + Errors, StringComparison.Ordinal);
        return this;
    }
}

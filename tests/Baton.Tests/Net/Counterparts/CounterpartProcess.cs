using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Net.Counterparts;

/// <summary>
/// A program that knows nothing of Baton, started by a test on the other end of a connection. Keeps every line that it prints, and is ended
/// at the latest when it is disposed of.
/// </summary>
public sealed class CounterpartProcess : IDisposable
{
    /// <summary>
    /// Runs a server until the standard input ends, and then has it told to end: a server outlives neither its test nor a test program that
    /// was killed.
    /// </summary>
    private const string Supervisor = """
        exec 3<&0
        signal=$1; shift
        "$@" </dev/null 3<&- & child=$!
        { cat <&3 >/dev/null; kill -s "$signal" "$child"; } >/dev/null 2>&1 & watcher=$!
        wait "$child"; status=$?
        kill "$watcher" 2>/dev/null
        exit "$status"
        """;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly string[] SystemFolders = ["/usr/sbin", "/usr/local/sbin", "/sbin"];
    private static int _lastPort = 10_000 + (Environment.ProcessId * 97 % 15_000);

    private readonly Process _process;
    private readonly Lock _gate = new();
    private readonly List<string> _lines = [];
    private readonly List<(string Text, TaskCompletionSource<string> Found)> _waiters = [];
    private int _openOutputs = 2;
    private bool _isDisposed;

    private CounterpartProcess(ProcessStartInfo startInfo)
    {
        startInfo.RedirectStandardInput = true;
        startInfo.RedirectStandardOutput = true;
        startInfo.RedirectStandardError = true;
        startInfo.Environment["LC_ALL"] = "C";
        _process = new Process { StartInfo = startInfo };
        _process.OutputDataReceived += (_, line) => OnLine(line.Data);
        _process.ErrorDataReceived += (_, line) => OnLine(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    /// <summary>What the program reads.</summary>
    public StreamWriter Input => _process.StandardInput;

    /// <summary>Everything that the program has printed so far, on either output.</summary>
    public string Output
    {
        get
        {
            lock (_gate)
            {
                return string.Join('\n', _lines);
            }
        }
    }

    /// <summary>The path of a program. Where it is missing the test is skipped; in CI, which installs all of them, it fails.</summary>
    public static string Require(string program)
    {
        var path = Find(program);
        if (path is null)
        {
            Miss(program);
        }

        return path!;
    }

    public static bool IsInstalled(string program) => Find(program) is not null;

    /// <summary>Skips the test because something is missing; in CI, fails it.</summary>
    public static void Miss(string program)
    {
        var reason = $"{program} is not installed.";
        Assert.False(Environment.GetEnvironmentVariable("CI") == "true", reason);
        Assert.Skip(reason);
    }

    /// <summary>Starts a program that reads <see cref="Input"/>.</summary>
    public static CounterpartProcess Start(string program, params IEnumerable<string> arguments) =>
        new(new ProcessStartInfo(Require(program), arguments));

    /// <summary>Starts a server, which is told to end by a signal.</summary>
    public static CounterpartProcess StartServer(string program, IEnumerable<string> arguments, string signal = "TERM") =>
        new(new ProcessStartInfo("/bin/sh", ["-c", Supervisor, "supervisor", signal, Require(program), .. arguments]));

    /// <summary>Runs a program to its end. It must not complain.</summary>
    public static async Coroutine<string> Run(string program, IEnumerable<string> arguments, string input = "")
    {
        var (exitCode, output, errors) = await RunToEnd(program, arguments, input);
        Assert.Equal("", errors);
        Assert.Equal(0, exitCode);
        return output;
    }

    /// <summary>Runs a program to its end, however that may be. It is killed if the wait for it ends early.</summary>
    public static async Coroutine<(int ExitCode, string Output, string Errors)> RunToEnd(
        string program, IEnumerable<string> arguments, string input = "")
    {
        using var process = Process.Start(new ProcessStartInfo(Require(program), arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["LC_ALL"] = "C" },
        })!;
        try
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await Coroutine.FromTask(process.WaitForExitAsync());
            return (process.ExitCode, await output, await errors);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }

    /// <summary>
    /// A port of 127.0.0.1 for a server that cannot be asked which one it took: none that the system would give to somebody else meanwhile.
    /// </summary>
    public static int FreePort()
    {
        while (true)
        {
            var port = Interlocked.Increment(ref _lastPort);
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                probe.Bind(new IPEndPoint(IPAddress.Loopback, port));
                return port;
            }
            catch (SocketException)
            {
                // In use.
            }
        }
    }

    /// <summary>
    /// Completes with the first line, printed or yet to be printed, that contains a text. Fails when the program ends before, or says
    /// nothing for long.
    /// </summary>
    public Task<string> WaitForLine(string text)
    {
        lock (_gate)
        {
            if (_lines.Find(line => line.Contains(text, StringComparison.Ordinal)) is { } line)
            {
                return Task.FromResult(line);
            }

            if (_openOutputs == 0)
            {
                return Task.FromException<string>(Ended(text));
            }

            var found = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiters.Add((text, found));
            return WithLimit(found.Task, text);
        }
    }

    /// <summary>Completes when the program has ended.</summary>
    public Task<int> WaitForExit() => WithLimit(ExitAsync(), "the end");

    /// <summary>Whether the program ends when it has no more input. One that does not is killed when it is disposed of.</summary>
    public bool EndsWithInput { get; set; } = true;

    /// <summary>Ends the program without giving it the chance to say farewell.</summary>
    public void Kill()
    {
        _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        if (_isDisposed)
        {
            return;
        }

        _isDisposed = true;
        try
        {
            Input.Close();
        }
        catch (IOException)
        {
            // It has ended already and could not take what was left to write.
        }

        if (!EndsWithInput || !_process.WaitForExit(TimeSpan.FromSeconds(10)))
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static string? Find(string program) => Path.IsPathRooted(program)
        ? program
        : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Concat(SystemFolders)
            .Select(folder => Path.Combine(folder, program))
            .FirstOrDefault(File.Exists);

    private async Task<int> ExitAsync()
    {
        await _process.WaitForExitAsync(CancellationToken.None);
        return _process.ExitCode;
    }

    private async Task<T> WithLimit<T>(Task<T> task, string text)
    {
        try
        {
            return await task.WaitAsync(Limit).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new TimeoutException($"Waited in vain for '{text}'. The program printed:\n{Output}");
        }
    }

    private InvalidOperationException Ended(string text) =>
        new($"The program ended without '{text}'. It printed:\n{string.Join('\n', _lines)}");

    private void OnLine(string? line)
    {
        lock (_gate)
        {
            if (line is null)
            {
                if (--_openOutputs == 0)
                {
                    _waiters.ForEach(waiter => waiter.Found.TrySetException(Ended(waiter.Text)));
                }

                return;
            }

            _lines.Add(line);
            _waiters.RemoveAll(waiter => line.Contains(waiter.Text, StringComparison.Ordinal) && waiter.Found.TrySetResult(line));
        }
    }
}

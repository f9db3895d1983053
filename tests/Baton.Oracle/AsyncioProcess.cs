using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace Baton.Oracle;

/// <summary>A Python process that runs scenarios on CPython's asyncio.</summary>
public sealed class AsyncioProcess : IDisposable
{
    /// <summary>The environment variable that names another Python to use, as a path or a command.</summary>
    public const string PythonVariable = "BATON_ORACLE_PYTHON";

    /// <summary>The first that has task groups and timeouts.</summary>
    private static readonly Version Oldest = new(3, 11);

    private static readonly string Script = Path.Combine(AppContext.BaseDirectory, "python", "interpreter.py");

    private readonly Process _process;
    private readonly StringBuilder _errors = new();

    private AsyncioProcess(Process process)
    {
        _process = process;
        process.ErrorDataReceived += (_, line) =>
        {
            lock (_errors)
            {
                _errors.AppendLine(line.Data);
            }
        };
        process.BeginErrorReadLine();
        using var greeting = JsonDocument.Parse(ReadLine());
        Version = greeting.RootElement.GetProperty("version").GetString()!;
        Improvements = [.. greeting.RootElement.GetProperty("improvements").EnumerateArray().Select(name => name.GetString()!)];
        Operations = greeting.RootElement.GetProperty("operations").EnumerateArray().Select(name => name.GetString()!).ToHashSet();
    }

    /// <summary>The version of Python, such as 3.13.0.</summary>
    public string Version { get; }

    /// <summary>The deliberate improvements that the interpreter can apply to asyncio.</summary>
    public IReadOnlyList<string> Improvements { get; }

    /// <summary>The operations that this version of asyncio has.</summary>
    public IReadOnlySet<string> Operations { get; }

    /// <summary>
    /// Starts a Python: one that is named, or that <see cref="PythonVariable"/> names, or else the newest that the machine has.
    /// </summary>
    /// <returns>Null where there is none, or none since 3.11.</returns>
    /// <exception cref="InvalidOperationException">The Python that was named, or found, does not run the interpreter.</exception>
    public static AsyncioProcess? TryStart(string? python = null)
    {
        python ??= FindPython();
        if (python is null)
        {
            return null;
        }

        try
        {
            return new AsyncioProcess(Start(python, "-B", Script));
        }
        catch (System.ComponentModel.Win32Exception failure)
        {
            throw new InvalidOperationException(
                $"Cannot run Python as '{python}': {failure.Message}. {PythonVariable} names another.", failure);
        }
    }

    /// <summary>Has a scenario run, and does not wait for it.</summary>
    public void Send(Scenario scenario, IEnumerable<string> improvements)
    {
        _process.StandardInput.WriteLine($$"""{"improvements": {{JsonSerializer.Serialize(improvements)}}, "body": {{scenario.ToRequest()}}}""");
        _process.StandardInput.Flush();
    }

    /// <summary>
    /// Waits for the trace of the oldest scenario sent whose trace was not taken yet; null where asyncio itself has failed.
    /// </summary>
    /// <exception cref="InvalidOperationException">The interpreter failed.</exception>
    public IReadOnlyList<string>? Receive()
    {
        using var answer = JsonDocument.Parse(ReadLine());
        return answer.RootElement.TryGetProperty("trace", out var trace)
            ? [.. trace.EnumerateArray().Select(line => line.GetString()!)]
            : null;
    }

    /// <summary>Ends the process.</summary>
    public void Dispose()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already, with something left unread.
        }

        if (!_process.WaitForExit(TimeSpan.FromSeconds(5)))
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private static string? FindPython()
    {
        if (Environment.GetEnvironmentVariable(PythonVariable) is { Length: > 0 } named)
        {
            return named;
        }

        var root = Environment.GetEnvironmentVariable("PYENV_ROOT")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".pyenv");
        var versions = Path.Combine(root, "versions");
        var managed = Directory.Exists(versions)
            ? Directory.GetDirectories(versions).Select(folder => Path.Combine(folder, "bin", "python3"))
            : [];
        return managed.Where(File.Exists)
            .Append("python3")
            .Select(path => (Path: path, Version: VersionOf(path)))
            .Where(python => python.Version >= Oldest)
            .MaxBy(python => python.Version)
            .Path;
    }

    private static Version? VersionOf(string python)
    {
        try
        {
            using var process = Start(python, "-c", "import sys; print('.'.join(map(str, sys.version_info[:3])))");
            var version = process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return System.Version.TryParse(version.Trim(), out var parsed) ? parsed : null;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static Process Start(string python, params string[] arguments) => Process.Start(new ProcessStartInfo(python, arguments)
    {
        RedirectStandardInput = true,
        RedirectStandardOutput = true,
        RedirectStandardError = true,
    })!;

    private string ReadLine()
    {
        if (_process.StandardOutput.ReadLine() is { } line)
        {
            return line;
        }

        _process.WaitForExit();
        lock (_errors)
        {
            throw new InvalidOperationException($"{Script} ended with status {_process.ExitCode}:\n{_errors}");
        }
    }
}

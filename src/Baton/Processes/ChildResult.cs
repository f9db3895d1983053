using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Baton;

/// <summary>What has become of a child process, and what it has written. Corresponds to <c>subprocess.CompletedProcess</c>.</summary>
public sealed class ChildResult
{
    private readonly string _file;

    internal ChildResult(string file, ChildExitStatus exitStatus, byte[] output, byte[] error)
    {
        _file = file;
        ExitStatus = exitStatus;
        Output = output;
        Error = error;
    }

    /// <summary>As <see cref="ChildProcess.ExitCode"/>.</summary>
    public int ExitCode => ExitStatus.ExitCode;

    /// <summary>How the child ended.</summary>
    public ChildExitStatus ExitStatus { get; }

    /// <summary>What the child has written to its standard output; empty where that was no pipe.</summary>
    [SuppressMessage("Performance", "CA1819", Justification = "It is the caller's: nobody else has it.")]
    public byte[] Output { get; }

    /// <summary>What the child has written to its standard error stream; empty where that was no pipe.</summary>
    [SuppressMessage("Performance", "CA1819", Justification = "It is the caller's: nobody else has it.")]
    public byte[] Error { get; }

    /// <summary><see cref="Output"/> as text, taken as UTF-8.</summary>
    public string OutputText => Encoding.UTF8.GetString(Output);

    /// <summary><see cref="Error"/> as text, taken as UTF-8.</summary>
    public string ErrorText => Encoding.UTF8.GetString(Error);

    /// <summary>Throws unless the child has returned 0. Corresponds to <c>check_returncode</c>.</summary>
    /// <returns>This.</returns>
    /// <exception cref="ChildProcessException">It has not.</exception>
    public ChildResult EnsureSuccess() => ExitStatus.IsSuccess ? this : throw new ChildProcessException(_file, this);
}

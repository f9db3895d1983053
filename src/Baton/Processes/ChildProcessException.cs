namespace Baton;

/// <summary>A child process did not return 0. Corresponds to <c>subprocess.CalledProcessError</c>.</summary>
public sealed class ChildProcessException : Exception
{
    private const int QuotedLength = 500;

    internal ChildProcessException(string file, ChildResult result)
        : base($"'{file}' {result.ExitStatus}." + Quote(result.ErrorText))
    {
        Result = result;
    }

    /// <summary>How the child ended, and what it has written.</summary>
    public ChildResult Result { get; }

    /// <summary>The end of what the child complained of, because that is mostly what it ended for.</summary>
    private static string Quote(string error)
    {
        error = error.Trim();
        return error.Length == 0 ? "" : $" It said: {(error.Length > QuotedLength ? "…" + error[^QuotedLength..] : error)}";
    }
}

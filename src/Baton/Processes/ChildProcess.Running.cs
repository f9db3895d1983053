namespace Baton;

public sealed partial class ChildProcess
{
    /// <summary>
    /// Runs a program to its end: starts it, feeds it, keeps what it writes, and waits. Corresponds to <c>subprocess.run</c>. Where this is
    /// cancelled or fails, the child is ended before the exception arrives.
    /// </summary>
    /// <param name="file">The program; see <see cref="Start(string, IEnumerable{string}, ChildProcessOptions?)"/>.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="input">What to feed to its standard input; must not change meanwhile.</param>
    /// <param name="options">
    /// Details; null for the defaults, by which both outputs are kept, and the input is the null device where nothing is to be fed.
    /// </param>
    /// <param name="check">Whether an exit code other than 0 is an error.</param>
    /// <returns>What the child has written, and how it ended.</returns>
    /// <exception cref="ChildProcessException"><paramref name="check"/> is true, and the child has not returned 0.</exception>
    /// <exception cref="IOException">
    /// The system cannot run it, or the child has written more than <see cref="ChildProcessOptions.OutputLimit"/> to one of its outputs.
    /// </exception>
    /// <inheritdoc cref="Start(string, IEnumerable{string}, ChildProcessOptions?)" path="/exception"/>
    public static async Coroutine<ChildResult> RunAsync(
        string file, IEnumerable<string> arguments, ReadOnlyMemory<byte> input = default, ChildProcessOptions? options = null,
        bool check = false)
    {
        ArgumentException.ThrowIfNullOrEmpty(file);
        ArgumentNullException.ThrowIfNull(arguments);
        options ??= ChildProcessOptions.Default;
        await using var child = Start(
            file,
            arguments,
            options,
            options.StandardInput ?? (input.IsEmpty ? StandardStream.Null : StandardStream.Pipe),
            options.StandardOutput ?? StandardStream.Pipe,
            options.StandardError ?? StandardStream.Pipe);
        var result = await child.CommunicateAsync(input);
        return check ? result.EnsureSuccess() : result;
    }

    /// <summary>Runs a program to its end, with everything at its default.</summary>
    /// <inheritdoc cref="RunAsync(string, IEnumerable{string}, ReadOnlyMemory{byte}, ChildProcessOptions?, bool)"/>
    public static Coroutine<ChildResult> RunAsync(string file, params IEnumerable<string> arguments) =>
        RunAsync(file, arguments, default, null);
}

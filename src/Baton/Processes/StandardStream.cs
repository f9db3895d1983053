using System.Runtime.InteropServices;

namespace Baton;

/// <summary>
/// What a standard stream of a <see cref="ChildProcess"/> is connected with. Corresponds to <c>PIPE</c>, <c>DEVNULL</c> and <c>STDOUT</c>
/// of Python's <c>subprocess</c>.
/// </summary>
public sealed class StandardStream
{
    private StandardStream(StandardStreamKind kind, SafeHandle? handle = null, PseudoTerminal? terminal = null)
    {
        Kind = kind;
        Handle = handle;
        Terminal = terminal;
    }

    /// <summary>A pipe, whose other end is a <see cref="Connection"/> of the child's: <c>PIPE</c>.</summary>
    public static StandardStream Pipe { get; } = new(StandardStreamKind.Pipe);

    /// <summary>The same stream of this process: <c>None</c>.</summary>
    public static StandardStream Inherit { get; } = new(StandardStreamKind.Inherit);

    /// <summary>The null device, which is empty and takes everything: <c>DEVNULL</c>.</summary>
    public static StandardStream Null { get; } = new(StandardStreamKind.Null);

    /// <summary>For the standard error stream: whatever the standard output is connected with: <c>STDOUT</c>.</summary>
    public static StandardStream Output { get; } = new(StandardStreamKind.Output);

    internal StandardStreamKind Kind { get; }

    internal SafeHandle? Handle { get; }

    internal PseudoTerminal? Terminal { get; }

    /// <summary>
    /// An open file, pipe, socket or terminal, which stays the caller's and may be closed once the child has been started.
    /// </summary>
    /// <exception cref="ArgumentException">The handle is closed.</exception>
    public static StandardStream FromHandle(SafeHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        ObjectDisposedException.ThrowIf(handle.IsClosed || handle.IsInvalid, handle);
        return new StandardStream(StandardStreamKind.Handle, handle);
    }

    /// <summary>
    /// A terminal, whose other end is this program. With <see cref="ChildProcessOptions.NewSession"/> it becomes the child's controlling
    /// terminal, so that Ctrl-C that is written to it makes a signal, and the child is hung up when it is closed.
    /// </summary>
    public static StandardStream FromTerminal(PseudoTerminal terminal)
    {
        ArgumentNullException.ThrowIfNull(terminal);
        return new StandardStream(StandardStreamKind.Terminal, terminal: terminal);
    }

    /// <inheritdoc/>
    public override string ToString() => Kind.ToString();
}

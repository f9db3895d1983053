using Baton.Drivers;
using Microsoft.Win32.SafeHandles;

namespace Baton;

/// <summary>
/// A terminal whose other end is this program instead of a screen and a keyboard: what a child writes to it comes out of
/// <see cref="Connection"/>, and what is written there the child reads, as if it had been typed. Corresponds to <c>pty.openpty</c>.
/// </summary>
/// <remarks>
/// <para>It begins as terminals do: it echoes, hands out whole lines, translates line ends, and makes signals of Ctrl-C and its like; see
/// <see cref="Terminal.EnterRawMode"/>. The end of the child's input is a character, Ctrl-D (4), at the beginning of a line.</para>
/// <para><see cref="Connection.Input"/> ends once everybody has closed the child's end who has had it open: keep a handle of
/// <see cref="OpenSlave"/> to go on. To close the connection hangs up: the programs that have the terminal as theirs get SIGHUP.</para>
/// </remarks>
public sealed class PseudoTerminal : IAsyncDisposable, IDisposable
{
    private PseudoTerminal(Connection connection, string slavePath)
    {
        Connection = connection;
        SlavePath = slavePath;
    }

    /// <summary>This program's end.</summary>
    public Connection Connection { get; }

    /// <summary>The path of the other end, such as <c>/dev/pts/3</c>.</summary>
    public string SlavePath { get; }

    /// <summary>The size of the window. Setting it tells the programs in the foreground by SIGWINCH.</summary>
    /// <inheritdoc cref="Terminal.SetSize" path="/exception"/>
    public TerminalSize Size
    {
        get => Terminal.GetSize(Connection);
        set => Terminal.SetSize(Connection, value);
    }

    /// <summary>Opens a pseudo terminal of the current loop.</summary>
    /// <param name="columns">The characters of a line.</param>
    /// <param name="rows">The lines.</param>
    /// <exception cref="IOException">The system refused, for one because there are as many as it allows.</exception>
    /// <exception cref="OverflowException">A number is negative or greater than 65,535.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows.</exception>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public static PseudoTerminal Open(int columns = 80, int rows = 24)
    {
        _ = EventLoop.Current;
        var (master, slavePath) = TerminalCalls.OpenMaster();
        using (master)
        {
            TerminalCalls.SetSize((int)master.DangerousGetHandle(), new TerminalSize(columns, rows));
            UnixPipe.SetNonBlocking(master);
            return new PseudoTerminal(Connection.FromHandle(master), slavePath);
        }
    }

    /// <summary>
    /// Opens the other end, blocking, as programs expect it: to pass it to a child as its standard streams. It does not become the terminal
    /// of this process, and children do not inherit it unless it is passed to them. Dispose of it once it is passed on, or the end never
    /// comes.
    /// </summary>
    /// <exception cref="IOException">The system refused.</exception>
    /// <exception cref="ObjectDisposedException">The pseudo terminal is closed.</exception>
    public SafeFileHandle OpenSlave()
    {
        ObjectDisposedException.ThrowIf(Connection.IsClosed, this);
        return TerminalCalls.Open(SlavePath);
    }

    /// <inheritdoc cref="Terminal.EnterRawMode"/>
    public IDisposable EnterRawMode() => Terminal.EnterRawMode(Connection);

    /// <summary>Closes this end as <see cref="Connection.CloseAsync"/> does.</summary>
    public ValueTask DisposeAsync() => Connection.CloseAsync();

    /// <summary>Closes this end as <see cref="Connection.Dispose"/> does.</summary>
    public void Dispose() => Connection.Dispose();

    /// <summary>Its path.</summary>
    public override string ToString() => $"pseudo terminal {SlavePath}";
}

using System.Runtime.InteropServices;
using Baton.Drivers;

namespace Baton;

/// <summary>
/// What terminals have and other connections do not: a size, and modes. For the terminal of this program and for pseudo terminals.
/// </summary>
public static class Terminal
{
    /// <summary>Whether a connection is one over a terminal. Corresponds to <c>os.isatty</c>.</summary>
    public static bool IsTerminal(Connection connection)
    {
        ArgumentNullException.ThrowIfNull(connection);
        return connection.Io.Kind == IoSocketKind.Terminal;
    }

    /// <summary>Reads the size of a terminal's window. Corresponds to <c>os.get_terminal_size</c>.</summary>
    /// <exception cref="IOException">This is no terminal.</exception>
    /// <exception cref="ObjectDisposedException">The connection is closed.</exception>
    public static TerminalSize GetSize(Connection terminal) => TerminalCalls.GetSize(DescriptorOf(terminal));

    /// <inheritdoc cref="GetSize(Connection)"/>
    public static TerminalSize GetSize(SafeHandle terminal)
    {
        using var descriptor = new BorrowedDescriptors([terminal]);
        return TerminalCalls.GetSize(descriptor.Numbers[0]);
    }

    /// <summary>
    /// Sets the size of a terminal's window, of which the programs in its foreground are told by SIGWINCH. Corresponds to
    /// <c>termios.tcsetwinsize</c>.
    /// </summary>
    /// <exception cref="IOException">This is no terminal.</exception>
    /// <exception cref="ObjectDisposedException">The connection is closed.</exception>
    /// <exception cref="OverflowException">A number is negative or greater than 65,535.</exception>
    public static void SetSize(Connection terminal, TerminalSize size) => TerminalCalls.SetSize(DescriptorOf(terminal), size);

    /// <summary>
    /// Has a terminal pass bytes on as they are, one by one: no lines to be edited, no echo, no signals for Ctrl-C and its like, no line
    /// ends translated. For editors and for connections that carry anything but text. Corresponds to <c>tty.setraw</c>.
    /// </summary>
    /// <returns>
    /// What puts the modes back as they were when it is disposed of. Where the connection is closed by then, it does nothing: dispose of
    /// this first.
    /// </returns>
    /// <exception cref="IOException">This is no terminal.</exception>
    /// <exception cref="ObjectDisposedException">The connection is closed.</exception>
    public static IDisposable EnterRawMode(Connection terminal)
    {
        var descriptor = DescriptorOf(terminal);
        var modes = new byte[TerminalCalls.ModesSize];
        TerminalCalls.GetModes(descriptor, modes);
        var before = modes.ToArray();
        TerminalCalls.MakeRaw(modes);
        TerminalCalls.SetModes(descriptor, modes);
        return new Restoration(terminal, before);
    }

    private static int DescriptorOf(Connection terminal)
    {
        ArgumentNullException.ThrowIfNull(terminal);
        terminal.Loop.CheckThread();
        ObjectDisposedException.ThrowIf(terminal.IsClosed, terminal);
        return (int)terminal.Handle;
    }

    private sealed class Restoration(Connection terminal, byte[] modes) : IDisposable
    {
        private bool _isDisposed;

        public void Dispose()
        {
            if (!_isDisposed && !terminal.IsClosed)
            {
                _isDisposed = true;
                try
                {
                    TerminalCalls.SetModes(DescriptorOf(terminal), modes);
                }
                catch (IOException)
                {
                    // The other end has gone, and with it the terminal.
                }
            }
        }
    }
}

namespace Baton;

// asyncio's low-level way to child processes: a transport that calls a protocol.
public sealed partial class EventLoop
{
    /// <summary>
    /// Starts a program whose protocol is called with what it does. Corresponds to <c>loop.subprocess_exec</c>; <see cref="ChildProcess"/>
    /// is mostly more convenient.
    /// </summary>
    /// <typeparam name="TProtocol">The type of the protocol.</typeparam>
    /// <param name="protocolFactory">Called once; makes the protocol.</param>
    /// <param name="file">
    /// The program; see <see cref="ChildProcess.Start(string, IEnumerable{string}, ChildProcessOptions?)"/>.
    /// </param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="options">Details; null for the defaults, by which all standard streams are pipes.</param>
    /// <returns>The transport and the protocol, whose <see cref="ISubprocessProtocol.ConnectionMade"/> has been called.</returns>
    /// <remarks>
    /// Where this is cancelled, the child is killed, and the cancellation arrives when it has ended; the protocol is told of all that.
    /// </remarks>
    /// <inheritdoc cref="ChildProcess.Start(string, IEnumerable{string}, ChildProcessOptions?)" path="/exception"/>
    public async Coroutine<(ISubprocessTransport Transport, TProtocol Protocol)> SubprocessExecAsync<TProtocol>(
        Func<TProtocol> protocolFactory, string file, IEnumerable<string> arguments, ChildProcessOptions? options = null)
        where TProtocol : ISubprocessProtocol
    {
        CheckFactory(protocolFactory);
        ArgumentException.ThrowIfNullOrEmpty(file);
        ArgumentNullException.ThrowIfNull(arguments);
        options ??= ChildProcessOptions.Default;
        var protocol = protocolFactory() ?? throw new InvalidOperationException("The protocol factory returned null.");
        var pipe = StandardStream.Pipe;
        var child = ChildProcess.Start(
            file,
            arguments,
            options,
            options.StandardInput ?? pipe,
            options.StandardOutput ?? pipe,
            options.StandardError ?? pipe);
        var transport = new SubprocessTransport(child, protocol);
        try
        {
            await transport.Made;
        }
        catch
        {
            transport.Close();
            await child.Reaper.WaitAsync(isCancellable: false);
            throw;
        }

        return (transport, protocol);
    }

    /// <summary>
    /// Has the shell run a command, and a protocol called with what that does. Corresponds to <c>loop.subprocess_shell</c>.
    /// </summary>
    /// <inheritdoc cref="SubprocessExecAsync{TProtocol}(Func{TProtocol}, string, IEnumerable{string}, ChildProcessOptions?)"/>
    /// <param name="protocolFactory">Called once; makes the protocol.</param>
    /// <param name="command">The command line; see <see cref="ChildProcess.StartShell"/>.</param>
    /// <param name="options">Details; null for the defaults, by which all standard streams are pipes.</param>
    public Coroutine<(ISubprocessTransport Transport, TProtocol Protocol)> SubprocessShellAsync<TProtocol>(
        Func<TProtocol> protocolFactory, string command, ChildProcessOptions? options = null)
        where TProtocol : ISubprocessProtocol
    {
        ArgumentNullException.ThrowIfNull(command);
        return SubprocessExecAsync(protocolFactory, "/bin/sh", ["-c", command], options);
    }
}

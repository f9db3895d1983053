namespace Baton;

/// <summary>
/// Is called with what a child process does. Corresponds to <c>asyncio.SubprocessProtocol</c>; <see cref="SubprocessProtocol"/> is a base
/// whose calls do nothing.
/// </summary>
/// <remarks>
/// <para><see cref="ConnectionMade"/> comes first. Then, in the order in which they happen, what the child writes, the ends of its pipes
/// and its own end: <see cref="ProcessExited"/> may come before the last of what it has written. <see cref="IProtocol.ConnectionLost"/>
/// comes last, when the child has ended and all pipes are closed, always without an exception.</para>
/// <para><see cref="IProtocol.PauseWriting"/> and <see cref="IProtocol.ResumeWriting"/> are about the child's standard input. What a call
/// throws goes to the loop's exception handler, and changes nothing else.</para>
/// </remarks>
public interface ISubprocessProtocol : IProtocol
{
    /// <summary>The child runs, and its pipes are connected.</summary>
    /// <param name="transport">The way to the child.</param>
    void ConnectionMade(ISubprocessTransport transport);

    /// <summary>The child, or a process that shares its pipe, has written something. Corresponds to <c>pipe_data_received</c>.</summary>
    /// <param name="descriptor">1 for the standard output, 2 for the standard error stream.</param>
    /// <param name="data">What it has written, not empty; valid during the call only.</param>
    void PipeDataReceived(int descriptor, ReadOnlySpan<byte> data);

    /// <summary>A pipe is closed, on either side. Corresponds to <c>pipe_connection_lost</c>.</summary>
    /// <param name="descriptor">0 for the standard input, 1 for the standard output, 2 for the standard error stream.</param>
    /// <param name="exception">Null, unless something was left that could not be written.</param>
    void PipeConnectionLost(int descriptor, Exception? exception);

    /// <summary>The child has ended. Corresponds to <c>process_exited</c>.</summary>
    void ProcessExited();
}

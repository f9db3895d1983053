namespace Baton;

/// <summary>
/// What a transport calls, whatever its kind. Corresponds to <c>asyncio.BaseProtocol</c>. Derive from <see cref="BaseProtocol"/>, or one of
/// the classes derived from it, unless there is another base class.
/// </summary>
/// <remarks>
/// All calls are made on the loop's thread, from callbacks of the loop and so outside of any task, except for <see cref="PauseWriting"/>,
/// which is called from inside the write that was too much.
/// </remarks>
public interface IProtocol
{
    /// <summary>
    /// The connection is over: called once, last, if the connection was made. Corresponds to <c>connection_lost</c>.
    /// </summary>
    /// <param name="exception">
    /// Null where this side closed the connection, or where the peer ended it in good order; else what went wrong, be it with the
    /// connection or in a call of the protocol.
    /// </param>
    void ConnectionLost(Exception? exception);

    /// <summary>
    /// More is queued than the high limit: stop writing. What is written all the same is queued all the same. Called once, until
    /// <see cref="ResumeWriting"/>. Corresponds to <c>pause_writing</c>.
    /// </summary>
    void PauseWriting();

    /// <summary>No more is queued than the low limit: go on writing. Corresponds to <c>resume_writing</c>.</summary>
    void ResumeWriting();
}

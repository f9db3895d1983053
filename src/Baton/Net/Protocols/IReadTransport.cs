namespace Baton;

/// <summary>A transport that receives. Corresponds to <c>asyncio.ReadTransport</c>.</summary>
public interface IReadTransport : ITransport
{
    /// <summary>
    /// Whether the protocol is being given what arrives: the transport is neither paused nor closing. Corresponds to <c>is_reading</c>.
    /// </summary>
    bool IsReading { get; }

    /// <summary>
    /// Stops receiving: the protocol gets no data and no end until <see cref="ResumeReading"/>, and the peer is slowed down once the
    /// system's buffers are full. Does nothing where the transport is paused or closing. Corresponds to <c>pause_reading</c>.
    /// </summary>
    void PauseReading();

    /// <summary>
    /// Goes on receiving, from the next iteration on. Does nothing where the transport is not paused, or closing. Corresponds to
    /// <c>resume_reading</c>.
    /// </summary>
    void ResumeReading();
}

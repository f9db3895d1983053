namespace Baton;

/// <summary>There is no room in an <see cref="AsyncQueue{T}"/>. Corresponds to <c>asyncio.QueueFull</c>.</summary>
public sealed class QueueFullException(string message) : InvalidOperationException(message);

/// <summary>There is nothing in an <see cref="AsyncQueue{T}"/>. Corresponds to <c>asyncio.QueueEmpty</c>.</summary>
public sealed class QueueEmptyException(string message) : InvalidOperationException(message);

/// <summary>
/// An <see cref="AsyncQueue{T}"/> has been shut down: it takes nothing more, and has nothing more to give. Corresponds to
/// <c>asyncio.QueueShutDown</c>.
/// </summary>
public sealed class QueueShutDownException(string message) : InvalidOperationException(message);

/// <summary>
/// An <see cref="AsyncBarrier"/> was aborted, or reset while tasks waited. Corresponds to <c>asyncio.BrokenBarrierError</c>.
/// </summary>
public sealed class BrokenBarrierException(string message) : InvalidOperationException(message);

/// <summary>
/// Every sender of a channel has been disposed of, or a <see cref="CrossLoopChannel{T}"/> completed, and everything that was sent has been
/// received. Corresponds to trio's <c>EndOfChannel</c>.
/// </summary>
public sealed class EndOfChannelException(string message) : InvalidOperationException(message);

/// <summary>
/// Every receiver of a channel has been disposed of, or a <see cref="CrossLoopChannel{T}"/> completed: nothing that is sent would arrive.
/// Corresponds to trio's <c>BrokenResourceError</c>.
/// </summary>
public sealed class BrokenChannelException(string message) : InvalidOperationException(message);

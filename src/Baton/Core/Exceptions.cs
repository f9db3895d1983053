namespace Baton;

/// <summary>
/// A task or future was cancelled. Corresponds to <c>asyncio.CancelledError</c>. Code that catches it without rethrowing it suppresses the
/// cancellation and should call <see cref="LoopTask.Uncancel"/>.
/// </summary>
public class CancelledException : OperationCanceledException
{
    /// <summary>Creates an exception with the standard message.</summary>
    public CancelledException()
        : base("The task was cancelled.")
    {
    }

    /// <summary>Creates an exception.</summary>
    /// <param name="message">The message given to <see cref="Future.Cancel"/>; the standard one where null.</param>
    public CancelledException(string? message)
        : base(message ?? "The task was cancelled.")
    {
    }

    /// <summary>Creates an exception with a cause, whose token it takes over where it has one.</summary>
    public CancelledException(string? message, Exception? innerException)
        : base(
            message ?? "The task was cancelled.",
            innerException,
            (innerException as OperationCanceledException)?.CancellationToken ?? default)
    {
    }
}

/// <summary>
/// The main task of <see cref="EventLoop.Run(Func{Coroutine}, EventLoopOptions?)"/> ended because a signal cancelled it. Corresponds to the
/// <c>KeyboardInterrupt</c> that <c>asyncio.run</c> raises.
/// </summary>
public sealed class InterruptedException : CancelledException
{
    /// <summary>Creates an exception.</summary>
    public InterruptedException()
        : this(System.Runtime.InteropServices.PosixSignal.SIGINT)
    {
    }

    /// <summary>Creates an exception.</summary>
    /// <param name="signal">The signal that cancelled the main task.</param>
    public InterruptedException(System.Runtime.InteropServices.PosixSignal signal)
        : base($"The main task was cancelled by {signal}.")
    {
        Signal = signal;
    }

    /// <summary>The signal that cancelled the main task.</summary>
    public System.Runtime.InteropServices.PosixSignal Signal { get; }

    /// <summary>The exit code that a shell expects of a program that this signal ended: 130 for SIGINT, 143 for SIGTERM.</summary>
    public int ExitCode => Signal == System.Runtime.InteropServices.PosixSignal.SIGTERM ? 143 : 130;
}

/// <summary>A future was not in the state that the call needs. Corresponds to <c>asyncio.InvalidStateError</c>.</summary>
public class InvalidStateException : InvalidOperationException
{
    /// <summary>Creates an exception.</summary>
    public InvalidStateException()
    {
    }

    /// <summary>Creates an exception.</summary>
    public InvalidStateException(string? message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with a cause.</summary>
    public InvalidStateException(string? message, Exception? innerException)
        : base(message, innerException)
    {
    }
}

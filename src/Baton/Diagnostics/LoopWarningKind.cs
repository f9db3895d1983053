namespace Baton;

/// <summary>What a <see cref="LoopWarning"/> warns of.</summary>
public enum LoopWarningKind
{
    /// <summary>A callback, or a step of a task, kept the loop's thread for too long.</summary>
    SlowCallback,

    /// <summary>Code blocked the loop's thread to wait for something.</summary>
    BlockingWait,

    /// <summary>A coroutine was made and never awaited, so that nothing of it has run.</summary>
    NeverAwaited,

    /// <summary>A connection, a server, a socket or another resource was not closed.</summary>
    UnclosedResource,

    /// <summary>An event loop was not disposed of.</summary>
    UnclosedLoop,

    /// <summary>A protocol goes on writing to a transport whose connection is lost.</summary>
    LostWrites,

    /// <summary>Something else in the process has waited for a child process, and taken its exit status.</summary>
    LostExitStatus,
}

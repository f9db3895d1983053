namespace Baton;

/// <summary>What a task is doing.</summary>
public enum AwaitState
{
    /// <summary>It has not taken its first step.</summary>
    NotStarted,

    /// <summary>It runs right now: it is the one that asks.</summary>
    Running,

    /// <summary>It is suspended in an <c>await</c>.</summary>
    Suspended,

    /// <summary>It has ended, or is a future, which has no code.</summary>
    None,
}

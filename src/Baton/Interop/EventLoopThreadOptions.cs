namespace Baton;

/// <summary>How an <see cref="EventLoopThread"/> is made. Everything has a default.</summary>
public sealed class EventLoopThreadOptions
{
    /// <summary>The thread's name, and the loop's unless its own options name it.</summary>
    public string Name { get; set; } = "event loop";

    /// <summary>Whether the process may end while the thread runs. True unless set.</summary>
    public bool IsBackground { get; set; } = true;

    /// <summary>How the loop is made. Signals are not handled, whatever they say: those belong to the program's main thread.</summary>
    public EventLoopOptions? Loop { get; set; }
}

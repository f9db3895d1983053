namespace Baton;

/// <summary>How an <see cref="EventLoopGroup"/> is made. Everything has a default.</summary>
public sealed class EventLoopGroupOptions
{
    /// <summary>What the threads and their loops are called: this, a hyphen, and the loop's number from 0.</summary>
    public string Name { get; set; } = "loop";

    /// <summary>How many loops there are. Unless set, as many as the process may use processors
    /// (<see cref="Environment.ProcessorCount"/>).</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative or zero.</exception>
    public int Count
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    }
    = Environment.ProcessorCount;

    /// <summary>
    /// Whether each thread runs on a processor of its own, and on no other, of those on which the process may run; where there are more
    /// loops than processors, they share. On Linux only; elsewhere, and where the system refuses, the log says so, and the threads run
    /// where the system likes.
    /// </summary>
    /// <remarks>
    /// The caches stay warm and busy loops do not wander. Something else that keeps a processor busy holds up the loop that is pinned to
    /// it, although another were free. Child processes that a pinned loop starts are pinned with it.
    /// </remarks>
    public bool PinThreads { get; set; }

    /// <summary>Whether the process may end while the threads run. True unless set.</summary>
    public bool IsBackground { get; set; } = true;

    /// <summary>
    /// Sets the options of each loop, by its number from 0, before it is made. A driver or clock that is set must be a new one each time.
    /// Signals are not handled, whatever is set: those belong to the program's main thread.
    /// </summary>
    public Action<int, EventLoopOptions>? ConfigureLoop { get; set; }

    /// <summary>
    /// Called with every failure that reached nobody, of any of the loops, on that loop's thread: so by several at once. Unless set, as
    /// each loop's options say. See <see cref="EventLoop.ExceptionHandler"/>.
    /// </summary>
    public Action<EventLoop, LoopExceptionContext>? ExceptionHandler { get; set; }
}

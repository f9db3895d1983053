namespace Baton;

/// <summary>How an <see cref="EventLoop"/> is made. Everything has a default.</summary>
public sealed class EventLoopOptions
{
    /// <summary>The loop's name in reports.</summary>
    public string? Name { get; set; }

    /// <summary>The driver that does the loop's I/O, made by the caller and disposed of by the loop; null for the best that the machine has.</summary>
    public IoDriver? Driver { get; set; }

    /// <summary>The clock of the timers; null for the driver's.</summary>
    public LoopClock? Clock { get; set; }

    /// <summary>
    /// Whether <see cref="EventLoop.Run(Func{Coroutine}, EventLoopOptions?)"/> handles SIGINT and SIGTERM: the first cancels the main task, the second ends
    /// the process. True unless set.
    /// </summary>
    public bool HandleSignals { get; set; } = true;

    /// <summary>Called with every failure that reached nobody; null writes them to the standard error stream. See <see cref="EventLoop.ExceptionHandler"/>.</summary>
    public Action<EventLoop, LoopExceptionContext>? ExceptionHandler { get; set; }

    internal EventLoopOptions Copy() => (EventLoopOptions)MemberwiseClone();
}

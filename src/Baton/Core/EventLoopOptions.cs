using Microsoft.Extensions.Logging;

namespace Baton;

/// <summary>How an <see cref="EventLoop"/> is made. Everything has a default.</summary>
public sealed class EventLoopOptions
{
    /// <summary>The loop's name in reports.</summary>
    public string? Name { get; set; }

    /// <summary>
    /// The driver that does the loop's I/O, made by the caller and disposed of by the loop; null for the one that the environment variable
    /// BATON_DRIVER names, <c>epoll</c> or <c>portable</c>, or else the best that the machine has.
    /// </summary>
    public IoDriver? Driver { get; set; }

    /// <summary>The clock of the timers; null for the driver's.</summary>
    public LoopClock? Clock { get; set; }

    /// <summary>
    /// What looks names up for the loop; null for <see cref="NameResolver.Default"/>, which all loops of the process share. The loop does
    /// not dispose of it.
    /// </summary>
    public NameResolver? NameResolver { get; set; }

    /// <summary>
    /// Whether <see cref="EventLoop.Run(Func{Coroutine}, EventLoopOptions?)"/> handles SIGINT and SIGTERM: the first cancels the main task,
    /// the second ends the process. True unless set.
    /// </summary>
    public bool HandleSignals { get; set; } = true;

    /// <summary>
    /// Called with every failure that reached nobody; null writes them to the standard error stream. See
    /// <see cref="EventLoop.ExceptionHandler"/>.
    /// </summary>
    public Action<EventLoop, LoopExceptionContext>? ExceptionHandler { get; set; }

    /// <summary>
    /// Makes the loop's loggers. Failures that reached nobody, and warnings, then go to the log where there is no handler for them. Null
    /// logs nothing. Category: <c>Baton.EventLoop</c>.
    /// </summary>
    public ILoggerFactory? LoggerFactory { get; set; }

    /// <summary>
    /// Whether the loop looks for mistakes; see <see cref="EventLoop.IsDebug"/>. Null asks the environment variable <c>BATON_DEBUG</c>:
    /// anything but 0 means yes. Corresponds to <c>debug</c> of <c>asyncio.run</c> and to <c>PYTHONASYNCIODEBUG</c>.
    /// </summary>
    public bool? Debug { get; set; }

    /// <summary>Called with what debug mode warns of. See <see cref="EventLoop.WarningHandler"/>.</summary>
    public Action<EventLoop, LoopWarning>? WarningHandler { get; set; }

    /// <summary>What debug mode calls slow. See <see cref="EventLoop.SlowCallbackDuration"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public TimeSpan SlowCallbackDuration
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            field = value;
        }
    } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// What debug mode does where code blocks the loop's thread: <c>Task.Wait</c> and <c>Result</c>, locks that another thread holds,
    /// <c>ManualResetEventSlim</c>. It cannot see code that runs without the loop's synchronization context, as after
    /// <c>ConfigureAwait(false)</c>, nor <c>Thread.Sleep</c>, nor system calls.
    /// </summary>
    public BlockingWaits BlockingWaits { get; set; }

    /// <summary>How many methods of the stack debug mode remembers of where something was made. 10 unless set.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative or zero.</exception>
    public int DebugStackDepth
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = 10;

    /// <summary>
    /// How many threads the loop has for files at most: so many operations on files run at once, others wait in line. 4 unless set. The
    /// threads start when there is work for them. A driver that has the system do such operations needs none.
    /// </summary>
    /// <remarks>Without effect where <see cref="FileExecutor"/> is set.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">It is negative or zero.</exception>
    public int FileThreads
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    } = 4;

    /// <summary>
    /// Where the loop's files are worked on; null for <see cref="FileThreads"/> threads of the loop's own, made at first use and shut down
    /// with the loop. The loop does not dispose of one that is set, which may serve several loops. Where it is set, all operations go
    /// there, and none to a driver that could have the system do them.
    /// </summary>
    public IExecutor? FileExecutor { get; set; }

    /// <summary>
    /// For how long a loop that has nothing to do asks its driver again and again before it waits in it. Zero, unless set, waits at once.
    /// </summary>
    /// <remarks>
    /// What arrives within that time is found without the system having to wake a thread; other threads wake the loop without a system
    /// call. It costs a whole core, whether there is work or not: worth it on a machine with a core to spare for the loop, and a loss on any
    /// other, where the loop takes the time of those for whom it waits. It is measured by the loop's clock; a clock that stands still
    /// meanwhile, as one moved by hand, is not waited for.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public TimeSpan BusyPoll
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero);
            field = value;
        }
    }

    internal EventLoopOptions Copy() => (EventLoopOptions)MemberwiseClone();
}

using System.IO.Pipelines;

namespace Baton;

// The loop as the BCL's own abstractions, for libraries that take one. All are made at first use, which may be on any thread; where two
// threads are first at once, both adapters work and one of them stays.
public sealed partial class EventLoop
{
    private TaskScheduler? _taskScheduler;
    private TimeProvider? _timeProvider;
    private PipeScheduler? _pipeScheduler;

    /// <summary>
    /// The loop as a synchronization context: <c>Post</c> queues a callback from any thread, <c>Send</c> waits until it has run. It is
    /// installed while the loop's callbacks run; a task has one of its own, which also brings code back to the task.
    /// </summary>
    /// <remarks>
    /// What is posted to a closed loop is dropped; <c>Send</c> throws. An <c>async void</c> method that was called under it, or under a
    /// task's, and has not ended when the loop closes, is reported then.
    /// </remarks>
    public SynchronizationContext SynchronizationContext => _context;

    /// <summary>
    /// The loop as a task scheduler, for <c>Task.Factory.StartNew</c>, <c>ContinueWith</c> and the like: tasks of the BCL run on the loop,
    /// one at a time, in the order in which they were queued, as callbacks outside of any <see cref="LoopTask"/>.
    /// </summary>
    /// <remarks>
    /// Tasks may be queued on any thread. Waiting for one on the loop's own thread runs it right there. Queueing to a closed loop throws;
    /// tasks that stand in line when the loop closes never run.
    /// </remarks>
    public TaskScheduler TaskScheduler => Publish(ref _taskScheduler, static loop => new LoopTaskScheduler(loop));

    /// <summary>
    /// The loop's clock and timers as a <see cref="System.TimeProvider"/>: <c>Task.Delay</c>, <c>CancellationTokenSource</c> and whatever
    /// else takes one then run on the loop's time, virtual time included.
    /// </summary>
    /// <remarks>
    /// <para>Timers may be made, changed and disposed of on any thread. Their callbacks run on the loop, outside of any task, in the
    /// execution context in which the timer was made. A timer never fires early. A periodic one keeps to its first due time plus whole
    /// periods, and leaves out what it missed. What a callback throws goes to the loop's exception handler.</para>
    /// <para>The time of day is that of the loop's clock: see <see cref="LoopClock.UtcNow"/>.</para>
    /// </remarks>
    public TimeProvider TimeProvider => Publish(ref _timeProvider, static loop => new LoopTimeProvider(loop));

    /// <summary>
    /// The loop as a scheduler of <c>System.IO.Pipelines</c>: for <c>PipeOptions</c>, so that the readers and writers of a pipe go on on
    /// the loop. Takes calls from any thread; drops them once the loop has closed.
    /// </summary>
    /// <remarks>
    /// What it runs has no synchronization context, so that the BCL's code goes on inline. Whoever awaits a pipe in a coroutine comes back
    /// to its loop and task all the same.
    /// </remarks>
    public PipeScheduler PipeScheduler => Publish(ref _pipeScheduler, static loop => new LoopPipeScheduler(loop));

    private TAdapter Publish<TAdapter>(ref TAdapter? field, Func<EventLoop, TAdapter> create)
        where TAdapter : class =>
        Volatile.Read(ref field) ?? Interlocked.CompareExchange(ref field, create(this), null) ?? field;
}

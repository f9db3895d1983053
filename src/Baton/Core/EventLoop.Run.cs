using System.Runtime.InteropServices;

namespace Baton;

public sealed partial class EventLoop
{
    /// <summary>
    /// Makes a loop, runs a coroutine on it as the main task, and closes the loop whatever happens. The whole of most programs. Corresponds
    /// to <c>asyncio.run</c>.
    /// </summary>
    /// <remarks>
    /// <para>Everything runs on the calling thread. The first SIGINT (Ctrl-C) or SIGTERM cancels the main task; the second ends the process
    /// as if nobody had handled it. A handler of the program's replaces that for its signal: see
    /// <see cref="AddSignalHandler(PosixSignal, Action)"/>.</para>
    /// <para>When the main task has ended, the tasks that are left are cancelled and awaited, those of them that fail are reported, and the
    /// loop is closed.</para>
    /// </remarks>
    /// <param name="main">Called once, on the loop; makes the coroutine.</param>
    /// <param name="options">How to make the loop.</param>
    /// <exception cref="InvalidOperationException">A loop is running on this thread already.</exception>
    /// <exception cref="InterruptedException">A signal cancelled the main task, and the task ended as cancelled.</exception>
    /// <exception cref="CancelledException">The main task was cancelled otherwise.</exception>
    public static void Run(Func<Coroutine> main, EventLoopOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(main);
        Run(() => WithResult(main()), options);
    }

    /// <inheritdoc cref="Run(Func{Coroutine}, EventLoopOptions?)"/>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <returns>What the main coroutine returned.</returns>
    public static TResult Run<TResult>(Func<Coroutine<TResult>> main, EventLoopOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(main);
        CheckNoOtherLoop();
        using var loop = new EventLoop(options);
        try
        {
            return loop.RunMain(main, options?.HandleSignals ?? true);
        }
        finally
        {
            loop.CancelRemainingTasks();
            loop.RunShutdownSteps();
        }
    }

    /// <summary>
    /// What <see cref="Run(Func{Coroutine}, EventLoopOptions?)"/> waits for when no task is left any more, before it closes the loop.
    /// </summary>
    internal List<Func<Coroutine>> ShutdownSteps { get; } = [];

    private TResult RunMain<TResult>(Func<Coroutine<TResult>> main, bool handleSignals)
    {
        var task = CreateTask(CallMain(main), "main");
        using var signals = handleSignals ? new SignalHandler(this, task) : null;
        try
        {
            RunUntilComplete(task);
            return task.GetResult();
        }
        catch (CancelledException) when (signals?.Received is { } signal && task.IsCancelled && task.Uncancel() == 0)
        {
            throw new InterruptedException(signal);
        }
    }

    /// <summary>Calls the function on the loop, so that it finds <see cref="Current"/> and its exceptions are the main task's.</summary>
    private static async Coroutine<TResult> CallMain<TResult>(Func<Coroutine<TResult>> main) => await main();

    /// <summary>Cancels every task, runs until all have ended, and reports those that failed instead of ending.</summary>
    private void CancelRemainingTasks()
    {
        while (_taskCount > 0)
        {
            var tasks = AllTasks();
            foreach (var task in tasks)
            {
                task.Cancel();
            }

            RunUntilComplete(WaitForEnd(tasks));
            foreach (var task in tasks)
            {
                if (!task.IsCancelled && task.GetException() is { } exception)
                {
                    ReportException($"{task.Brief} failed while the event loop was closing", exception, task);
                }
            }
        }
    }

    private void RunShutdownSteps()
    {
        foreach (var step in ShutdownSteps)
        {
            RunUntilComplete(step());
            CancelRemainingTasks();
        }
    }

    private Future WaitForEnd(IReadOnlyCollection<LoopTask> tasks)
    {
        var end = CreateFuture();
        var left = tasks.Count;
        foreach (var task in tasks)
        {
            task.AddDoneCallback(_ =>
            {
                if (--left == 0)
                {
                    end.SetResult();
                }
            });
        }

        return end;
    }

    /// <summary>The first signal cancels the main task; from the second on the system's own action is left to happen.</summary>
    private sealed class SignalHandler : IDisposable
    {
        private static readonly PosixSignal[] Signals = [PosixSignal.SIGINT, PosixSignal.SIGTERM];

        private readonly EventLoop _loop;
        private readonly LoopTask _main;
        private int _count;

        internal SignalHandler(EventLoop loop, LoopTask main)
        {
            _loop = loop;
            _main = main;
            foreach (var signal in Signals)
            {
                loop.SignalSourceOf(signal).SetFallback(Handle);
            }
        }

        internal PosixSignal? Received { get; private set; }

        public void Dispose()
        {
            foreach (var signal in Signals)
            {
                _loop.SignalSourceOf(signal).SetFallback(null);
            }
        }

        // Called on a thread of the runtime's.
        private void Handle(PosixSignalContext context)
        {
            if (Interlocked.Increment(ref _count) > 1)
            {
                return;
            }

            context.Cancel = true;
            Received = context.Signal;
            _loop.TryPost(new Interruption(_main, context.Signal));
        }

        private sealed class Interruption(LoopTask main, PosixSignal signal) : LoopItem
        {
            internal override void Run(EventLoop loop)
            {
                // Callbacks on the task's token run here, and belong to no task.
                loop.EnterCallback(null);
                LoopLog.SignalReceived(loop._logger, loop.Name, signal.ToString());
                main.Cancel();
            }
        }
    }
}

using System.Collections.Concurrent;

namespace Baton.Bench.Micro;

/// <summary>What it costs to leave the loop and come back.</summary>
/// <remarks>
/// <c>Task.Run</c> awaited on the thread pool mostly stays on its thread. A program that offloads from one thread, as one with a user
/// interface does, has a context that brings it back: that is the BCL's half.
/// </remarks>
internal static class InteropBenchmarks
{
    public static IReadOnlyList<MicroBenchmark> All { get; } =
    [
        new("to-thread", "call a function on another thread and await its result", 20_000, ToThread, ToThreadBcl),
    ];

    private static async Coroutine ToThread(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await Coroutine.ToThread(Answer);
        }
    }

    private static async Task ToThreadBcl(int count)
    {
        using var context = new PumpedContext();
        var work = context.Start(async () =>
        {
            for (var i = 0; i < count; i++)
            {
                await Task.Run(Answer);
            }
        });
        await work.ConfigureAwait(false);
    }

    private static int Answer() => 42;

    /// <summary>One thread that runs what is posted to it, as that of a user interface does.</summary>
    private sealed class PumpedContext : SynchronizationContext, IDisposable
    {
        private readonly BlockingCollection<(SendOrPostCallback Callback, object? State)> _queue = [];
        private readonly Thread _thread;

        internal PumpedContext()
        {
            _thread = new Thread(Pump) { IsBackground = true };
            _thread.Start();
        }

        public override void Post(SendOrPostCallback d, object? state) => _queue.Add((d, state));

        public void Dispose()
        {
            _queue.CompleteAdding();
            _thread.Join();
            _queue.Dispose();
        }

        internal Task Start(Func<Task> work)
        {
            var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Post(
                async void (_) =>
                {
                    await work();
                    done.SetResult();
                },
                null);
            return done.Task;
        }

        private void Pump()
        {
            SetSynchronizationContext(this);
            foreach (var (callback, state) in _queue.GetConsumingEnumerable())
            {
                callback(state);
            }
        }
    }
}

using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>
/// Notices, in debug mode, that a coroutine was made and never awaited: when the coroutine is collected, or at the latest when its loop
/// closes. Hangs on the coroutine from outside, because a finalizer on every box would cost all programs.
/// </summary>
internal sealed class CoroutineGuard
{
    private static readonly ConditionalWeakTable<CoroutineSource, CoroutineGuard> s_guards = [];

    private readonly Record _record;

    private CoroutineGuard(Record record) => _record = record;

    ~CoroutineGuard() => _record.Loop.TryPost(_record);

    /// <summary>Watches a coroutine that was just made, if the code that did runs on a loop in debug mode.</summary>
    internal static void Watch(CoroutineSource coroutine)
    {
        if (EventLoop.CurrentOrNull is not { DebugState: { } debug } loop)
        {
            return;
        }

        using var books = LoopDebug.KeepBooks();
        var record = new Record(loop, debug, coroutine.GetType(), debug.Capture());
        lock (debug.Unclaimed)
        {
            debug.Unclaimed.Add(record);
        }

        s_guards.AddOrUpdate(coroutine, new CoroutineGuard(record));
        coroutine.Status = CoroutineStatus.Watched;
    }

    /// <summary>The coroutine is awaited, or made a task.</summary>
    internal static void Claim(CoroutineSource coroutine)
    {
        using var books = LoopDebug.KeepBooks();
        if (s_guards.TryGetValue(coroutine, out var guard))
        {
#pragma warning disable CA1816 // The finalizer is the purpose of this class, not a safety net for a Dispose.
            GC.SuppressFinalize(guard);
#pragma warning restore CA1816
            s_guards.Remove(coroutine);
            guard._record.Remove();
        }
    }

    internal sealed class Record(EventLoop loop, LoopDebug debug, Type type, CreationSite site) : LoopItem
    {
        internal EventLoop Loop { get; } = loop;

        internal override void Run(EventLoop loop) => Report();

        internal void Report()
        {
            if (Remove())
            {
                Loop.Warn(new LoopWarning(
                    LoopWarningKind.NeverAwaited,
                    $"Coroutine '{StateMachines.NameOf(type)}' was never awaited: nothing of it has run. Await it, or make it a task with Coroutine.Start.")
                {
                    SourceTraceback = site,
                });
            }
        }

        internal bool Remove()
        {
            lock (debug.Unclaimed)
            {
                return debug.Unclaimed.Remove(this);
            }
        }
    }
}

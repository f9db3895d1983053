using System.Reflection;
using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>What an event loop keeps in debug mode, and only then.</summary>
internal sealed class LoopDebug(int stackDepth, BlockingWaits blockingWaits)
{
    private static int s_count;
    private static readonly ConditionalWeakTable<object, CreationSite> s_sites = [];

    [ThreadStatic]
    private static bool t_isBookkeeping;

    private readonly HashSet<(string Method, int Offset)> _reportedWaits = [];

    /// <summary>Whether any loop of the process is in debug mode: the one thing that the making of a coroutine asks.</summary>
    internal static bool IsAnywhere => s_count != 0;

    /// <summary>
    /// The coroutines that were made and have been neither awaited nor made tasks. Shared with whichever threads do that.
    /// </summary>
    internal HashSet<CoroutineGuard.Record> Unclaimed { get; } = [];

    /// <summary>The item that runs now: what blocks outside of one is the loop itself, as it should.</summary>
    internal LoopItem? RunningItem { get; set; }

    /// <summary>Its name, where it will not know it any more when it has run.</summary>
    internal string? RunningName { get; set; }

    /// <summary>Whether a report is being made: what that waits for is not reported.</summary>
    internal bool IsReporting { get; set; }

    internal BlockingWaits BlockingWaits { get; } = blockingWaits;

    internal static void CountStart() => Interlocked.Increment(ref s_count);

    internal static void CountStop() => Interlocked.Decrement(ref s_count);

    /// <summary>
    /// Whether debug mode does something of its own on this thread. It takes locks, of the runtime's reflection among them, that other
    /// threads may hold for a moment: that is not the program's doing.
    /// </summary>
    internal static bool IsBookkeeping => t_isBookkeeping;

    /// <summary>Says so, until it is disposed of.</summary>
    internal static Bookkeeping KeepBooks() => new(t_isBookkeeping);

    internal CreationSite Capture()
    {
        using var books = KeepBooks();
        return CreationSite.Capture(stackDepth);
    }

    /// <summary>Remembers where an object was made.</summary>
    internal void NoteCreation(object made)
    {
        using var books = KeepBooks();
        s_sites.AddOrUpdate(made, Capture());
    }

    internal static CreationSite? SiteOf(object made)
    {
        using var books = KeepBooks();
        return s_sites.TryGetValue(made, out var site) ? site : null;
    }

    /// <summary>
    /// The stack of a wait that began just now, from the method that asked for it. Null where it is not to be reported: it was before, or
    /// it is the runtime's own business, such as another thread that is writing to the console.
    /// </summary>
    internal CreationSite? CaptureWait()
    {
        var stack = CreationSite.Capture(
            stackDepth, static method => !(method is { IsConstructor: true, IsStatic: true } || IsOfConsole(method)));
        return stack is not null && (BlockingWaits == BlockingWaits.Throw || _reportedWaits.Add(stack.Key)) ? stack : null;
    }

    private static bool IsOfConsole(MethodBase method) => method.DeclaringType?.Assembly == typeof(Console).Assembly;

    internal readonly ref struct Bookkeeping
    {
        private readonly bool _before;

        internal Bookkeeping(bool before)
        {
            _before = before;
            t_isBookkeeping = true;
        }

        public void Dispose() => t_isBookkeeping = _before;
    }
}

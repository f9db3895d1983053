namespace Baton;

/// <summary>Notices that an event loop is collected without having been closed.</summary>
/// <remarks>An object of its own, so that a loop that is closed, as it should be, has no finalizer.</remarks>
internal sealed class LoopGuard(EventLoop loop)
{
    ~LoopGuard() => loop.ReportUnclosed();

    internal void Release()
    {
#pragma warning disable CA1816 // The finalizer is the purpose of this class, not a safety net for a Dispose.
        GC.SuppressFinalize(this);
#pragma warning restore CA1816
    }
}

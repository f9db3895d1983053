namespace Baton;

/// <summary>
/// Work that code on any thread hands to a loop and waits for. When the loop closes over it, wherever the work stands, whoever waits is
/// told.
/// </summary>
internal abstract class LoopCall(EventLoop loop) : LoopItem, EventLoop.IAbandonable
{
    internal EventLoop Loop { get; } = loop;

    internal sealed override void Run(EventLoop loop)
    {
        loop.EnterCallback(null);
        Begin();
    }

    void EventLoop.IAbandonable.Abandon() => Abandon(Closed());

    /// <summary>Hands the work to the loop. It must not stand there already.</summary>
    /// <exception cref="IOException">
    /// The loop is closed. The same as when it closes a moment later: a caller on another thread cannot tell.
    /// </exception>
    protected void Post()
    {
        if (!Loop.TryPost(this))
        {
            throw Closed();
        }
    }

    /// <summary>Starts the work, on the loop thread.</summary>
    protected void Begin()
    {
        Loop.OpenCalls.Add(this);
        Start();
    }

    /// <summary>The work has ended, on the loop thread.</summary>
    protected void End() => Loop.OpenCalls.Remove(this);

    /// <summary>
    /// Does the work, or as much of it as does not have to wait. Never throws; calls <see cref="End"/> when there is nothing left to do.
    /// </summary>
    protected abstract void Start();

    /// <summary>The loop closes, and the work will never end.</summary>
    protected abstract void Abandon(Exception failure);

    private IOException Closed() => new($"The event loop '{Loop.Name}' was closed before the operation had ended.");
}

namespace Baton;

public sealed partial class EventLoop
{
    /// <summary>
    /// Calls of <c>async Coroutine</c> methods that have not ended, or whose result nobody has taken, the one that asks included: to tell
    /// whether a program leaks them. One that is never awaited is counted for ever.
    /// </summary>
    /// <remarks>
    /// Counts what was made on the loop's thread and not handed to a loop of another one by
    /// <see cref="RunCoroutineThreadSafe(Coroutine)"/>; what came from another thread is not counted. Looks at all methods' pools, which
    /// takes some microseconds.
    /// </remarks>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public int CoroutineCount
    {
        get
        {
            CheckThread();
            return CoroutineCensus.Current.InUse;
        }
    }
}

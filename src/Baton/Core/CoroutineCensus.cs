namespace Baton;

/// <summary>
/// The boxes of coroutines that a thread has made, and the pools in which it keeps those that are free. Written when a box is made or
/// dropped, which a pool is there to avoid, and read when somebody asks: what goes in and out of the pools counts nothing.
/// </summary>
internal sealed class CoroutineCensus
{
    [ThreadStatic]
    private static CoroutineCensus? t_current;

    private readonly List<Func<CoroutineBox?>> _pools = [];
    private int _made;
    private int _dropped;

    internal static CoroutineCensus Current => t_current ??= new CoroutineCensus();

    /// <summary>Boxes that this thread has made and that are in none of its pools.</summary>
    internal int InUse
    {
        get
        {
            var free = 0;
            foreach (var pool in _pools)
            {
                for (var box = pool(); box is not null; box = (CoroutineBox?)box.Link)
                {
                    free += box.IsElsewhere ? 0 : 1;
                }
            }

            return _made - _dropped - free;
        }
    }

    /// <summary>Adds a pool of this thread's.</summary>
    /// <param name="pool">Says which box of the pool is the first.</param>
    internal void Add(Func<CoroutineBox?> pool) => _pools.Add(pool);

    internal void OnMade() => _made++;

    /// <summary>A coroutine goes to another thread, whose pool will have its box.</summary>
    internal void OnLeft(CoroutineBox box)
    {
        if (!box.IsElsewhere)
        {
            box.IsElsewhere = true;
            _made--;
        }
    }

    /// <summary>A box is left to the collector.</summary>
    internal void OnDropped(CoroutineBox box)
    {
        _dropped += box.IsElsewhere ? 0 : 1;
    }
}

namespace RedisServer;

// MULTI and WATCH.
internal sealed partial class Client
{
    private readonly List<Entry?> _watchedEntries = [];
    private readonly List<byte[]> _watchedKeys = [];

    /// <summary>What is to be carried out by EXEC; null outside MULTI.</summary>
    public List<QueuedCommand>? Queue { get; set; }

    /// <summary>Whether a command could not be queued, so that EXEC must fail.</summary>
    public bool IsQueueBroken { get; set; }

    /// <summary>Whether a key that is watched has changed.</summary>
    public bool IsWatchBroken { get; set; }

    /// <summary>Whether EXEC is being carried out, within which nothing may wait.</summary>
    public bool IsInExec { get; set; }

    public void Watch(byte[] key)
    {
        if (!_watchedKeys.Exists(other => BytesComparer.Instance.Equals(other, key)))
        {
            _watchedKeys.Add(key);
            _watchedEntries.Add(service.Database.Find(key));
            service.Database.Watch(key, this);
        }
    }

    /// <summary>Whether a key was there when it was first watched, and has expired.</summary>
    public bool HasWatchedExpired()
    {
        for (var i = 0; i < _watchedKeys.Count; i++)
        {
            if (_watchedEntries[i] is not null && service.Database.Find(_watchedKeys[i]) is null)
            {
                return true;
            }
        }

        return false;
    }

    public void Unwatch()
    {
        foreach (var key in _watchedKeys)
        {
            service.Database.Unwatch(key, this);
        }

        _watchedKeys.Clear();
        _watchedEntries.Clear();
        IsWatchBroken = false;
    }

    /// <summary>Forgets what was queued and what was watched.</summary>
    public void EndTransaction()
    {
        Queue = null;
        IsQueueBroken = false;
        Unwatch();
    }
}

/// <summary>A command that waits for EXEC.</summary>
internal sealed record QueuedCommand(Command Command, byte[] Source, Argument[] Arguments);

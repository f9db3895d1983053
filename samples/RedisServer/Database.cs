using System.Runtime.InteropServices;
using Baton;

namespace RedisServer;

/// <summary>
/// The keys. No lock anywhere: every client's task runs on the one thread of the loop, and a command is carried out without an await.
/// </summary>
internal sealed class Database(LoopClock clock)
{
    private static readonly double MaximumExpirySlack = 2;

    private readonly Dictionary<byte[], Entry> _entries = new(BytesComparer.Instance);
    private readonly List<Entry> _order = [];
    private readonly PriorityQueue<Entry, long> _expiries = new();
    private readonly Dictionary<byte[], List<Client>> _watchers = new(BytesComparer.Instance);

    /// <summary>Milliseconds of Unix time.</summary>
    public long Now => clock.UtcNow.ToUnixTimeMilliseconds();

    public int Count => _entries.Count;

    /// <summary>How many keys have a time at which they end.</summary>
    public int ExpiringCount { get; private set; }

    public long ExpiredCount { get; private set; }

    /// <summary>
    /// Whether the append-only file is being replayed. What had expired when is in the file, and must not depend on the time of reading it.
    /// </summary>
    public bool IsLoading { get; set; }

    /// <summary>Set by whatever changes something, for the one who carries the command out.</summary>
    public bool IsChanged { get; set; }

    /// <summary>Called with a key that has expired, which is gone by then.</summary>
    public Action<byte[]>? Expired { get; set; }

    /// <summary>All entries. Removing one puts the last in its place, so whoever goes from the end to the start misses none.</summary>
    public IReadOnlyList<Entry> Entries => _order;

    public Entry? Find(ReadOnlySpan<byte> key)
    {
        if (!_entries.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out var entry))
        {
            return null;
        }

        return HasExpired(entry) ? null : entry;
    }

    /// <summary>What a key holds, null where there is none.</summary>
    public T? Find<T>(ReadOnlySpan<byte> key)
        where T : class
    {
        var value = Find(key)?.Value;
        return value is null ? null : value as T ?? throw new CommandException(CommandException.WrongType);
    }

    public T FindOrAdd<T>(ReadOnlySpan<byte> key)
        where T : class, new()
    {
        var value = Find<T>(key);
        if (value is null)
        {
            value = new T();
            Add(key.ToArray(), value);
        }

        return value;
    }

    /// <summary>Has a key hold something, whatever it held; when it ends stays as it is.</summary>
    public Entry Set(ReadOnlySpan<byte> key, object value)
    {
        var entry = Find(key);
        if (entry is null)
        {
            return Add(key.ToArray(), value);
        }

        entry.Value = value;
        return entry;
    }

    /// <summary>As <see cref="Set(ReadOnlySpan{byte}, object)"/>, for a string: in the memory of the one before where that fits.</summary>
    public Entry SetString(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => SetString(Find(key), key, value);

    /// <summary>As <see cref="SetString(ReadOnlySpan{byte}, ReadOnlySpan{byte})"/>, where the key was looked up already.</summary>
    public Entry SetString(Entry? entry, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (entry is null)
        {
            return Add(key.ToArray(), value.ToArray());
        }

        if (entry.Value is byte[] before && before.Length == value.Length)
        {
            value.CopyTo(before);
        }
        else
        {
            entry.Value = value.ToArray();
        }

        return entry;
    }

    public bool Remove(ReadOnlySpan<byte> key)
    {
        if (Find(key) is not { } entry)
        {
            return false;
        }

        Remove(entry);
        return true;
    }

    /// <summary>Removes a key that holds nothing any more.</summary>
    public void RemoveIfEmpty(ReadOnlySpan<byte> key, ICollectionValue value)
    {
        if (value.Count == 0)
        {
            Remove(key);
        }
    }

    public void Clear()
    {
        foreach (var (key, clients) in _watchers)
        {
            if (_entries.ContainsKey(key))
            {
                clients.ForEach(client => client.IsWatchBroken = true);
            }
        }

        _entries.Clear();
        _order.Clear();
        _expiries.Clear();
        ExpiringCount = 0;
        IsChanged = true;
    }

    /// <summary>Says when a key ends, in milliseconds of Unix time; 0 for never.</summary>
    public void SetExpiry(Entry entry, long at)
    {
        ExpiringCount += (at != 0 ? 1 : 0) - (entry.ExpiresAt != 0 ? 1 : 0);
        entry.ExpiresAt = at;
        if (at == 0)
        {
            return;
        }

        _expiries.Enqueue(entry, at);

        // What was told another time since stands in the queue in vain.
        if (_expiries.Count > 64 + (ExpiringCount * MaximumExpirySlack))
        {
            _expiries.Clear();
            foreach (var other in _order)
            {
                if (other.ExpiresAt != 0)
                {
                    _expiries.Enqueue(other, other.ExpiresAt);
                }
            }
        }
    }

    /// <summary>Removes keys that have expired, so many at most; true when there are more.</summary>
    public bool RemoveExpired(int limit)
    {
        var now = Now;
        while (_expiries.TryPeek(out var entry, out var at) && at <= now)
        {
            if (limit-- == 0)
            {
                return true;
            }

            _expiries.Dequeue();
            if (entry.ExpiresAt == at && _entries.TryGetValue(entry.Key, out var current) && ReferenceEquals(current, entry))
            {
                HasExpired(entry);
            }
        }

        return false;
    }

    /// <summary>Notes a change: for the append-only file, and for those who watch the key.</summary>
    public void Changed(ReadOnlySpan<byte> key)
    {
        IsChanged = true;
        if (_watchers.Count > 0 && _watchers.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(key, out var clients))
        {
            clients.ForEach(client => client.IsWatchBroken = true);
        }
    }

    public void Watch(byte[] key, Client client) =>
        (CollectionsMarshal.GetValueRefOrAddDefault(_watchers, key, out _) ??= []).Add(client);

    public void Unwatch(byte[] key, Client client)
    {
        if (_watchers.TryGetValue(key, out var clients) && clients.Remove(client) && clients.Count == 0)
        {
            _watchers.Remove(key);
        }
    }

    private bool HasExpired(Entry entry)
    {
        if (entry.ExpiresAt == 0 || IsLoading || entry.ExpiresAt > Now)
        {
            return false;
        }

        // Not a change that a command makes: it is noted as one of its own.
        var isChanged = IsChanged;
        Remove(entry);
        Changed(entry.Key);
        IsChanged = isChanged;
        ExpiredCount++;
        Expired?.Invoke(entry.Key);
        return true;
    }

    private Entry Add(byte[] key, object value)
    {
        var entry = new Entry(key, value) { Index = _order.Count };
        _entries.Add(key, entry);
        _order.Add(entry);
        return entry;
    }

    private void Remove(Entry entry)
    {
        _entries.Remove(entry.Key);
        ExpiringCount -= entry.ExpiresAt != 0 ? 1 : 0;
        var last = _order[^1];
        _order[entry.Index] = last;
        last.Index = entry.Index;
        _order.RemoveAt(_order.Count - 1);
    }
}

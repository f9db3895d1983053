namespace RedisServer;

/// <summary>A key and what it holds.</summary>
internal sealed class Entry(byte[] key, object value)
{
    public byte[] Key { get; } = key;

    /// <summary>
    /// A byte array, <see cref="ListValue"/>, <see cref="HashValue"/>, <see cref="SetValue"/> or <see cref="SortedValue"/>.
    /// </summary>
    public object Value { get; set; } = value;

    /// <summary>When it ends, in milliseconds of Unix time; 0 for never.</summary>
    public long ExpiresAt { get; set; }

    /// <summary>Where it stands among all entries, for SCAN.</summary>
    public int Index { get; set; }
}

/// <summary>Whatever holds elements: a key goes with its last one.</summary>
internal interface ICollectionValue
{
    int Count { get; }
}

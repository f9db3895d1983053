namespace RedisServer;

/// <summary>A hash.</summary>
internal sealed class HashValue() : Dictionary<byte[], byte[]>(BytesComparer.Instance), ICollectionValue
{
    public AlternateLookup<ReadOnlySpan<byte>> Lookup => GetAlternateLookup<ReadOnlySpan<byte>>();
}

using System.Buffers.Text;

namespace RedisServer;

/// <summary>Hashes.</summary>
internal static class HashCommands
{
    private const int LongestNumber = 24;

    public static void Register(CommandTable.AddCommand add)
    {
        add("HSET", -4, HSet, CommandFlags.Write);
        add("HMSET", -4, HSet, CommandFlags.Write);
        add("HSETNX", 4, HSetNx, CommandFlags.Write);
        add("HGET", 3, HGet);
        add("HMGET", -3, HMGet);
        add("HGETALL", 2, HGetAll);
        add("HDEL", -3, HDel, CommandFlags.Write);
        add("HEXISTS", 3, HExists);
        add("HLEN", 2, static (in Call call) => call.Reply.Integer(Find(call)?.Count ?? 0));
        add("HKEYS", 2, HKeys);
        add("HVALS", 2, HVals);
        add("HINCRBY", 4, HIncrBy, CommandFlags.Write);
    }

    private static HashValue? Find(in Call call) => call.Database.Find<HashValue>(call.Key);

    private static void HSet(in Call call)
    {
        if (call.Count % 2 != 0)
        {
            throw call.WrongCount();
        }

        var hash = call.Database.FindOrAdd<HashValue>(call.Key);
        var before = hash.Count;
        var lookup = hash.Lookup;
        for (var i = 2; i < call.Count; i += 2)
        {
            lookup[call[i]] = call[i + 1].ToArray();
        }

        call.Changed(call.Key);
        if (call.Command.Name == "HMSET")
        {
            call.Reply.Ok();
        }
        else
        {
            call.Reply.Integer(hash.Count - before);
        }
    }

    private static void HSetNx(in Call call)
    {
        var isNew = call.Database.FindOrAdd<HashValue>(call.Key).Lookup.TryAdd(call[2], call[3].ToArray());
        if (isNew)
        {
            call.Changed(call.Key);
        }

        call.Reply.Boolean(isNew);
    }

    private static byte[]? ValueOf(HashValue? hash, ReadOnlySpan<byte> field) =>
        hash is not null && hash.Lookup.TryGetValue(field, out var value) ? value : null;

    private static void HGet(in Call call) => call.Reply.BulkOrNull(ValueOf(Find(call), call[2]));

    private static void HMGet(in Call call)
    {
        var hash = Find(call);
        call.Reply.Array(call.Count - 2);
        for (var i = 2; i < call.Count; i++)
        {
            call.Reply.BulkOrNull(ValueOf(hash, call[i]));
        }
    }

    private static void HGetAll(in Call call)
    {
        var hash = Find(call);
        call.Reply.Map(hash?.Count ?? 0);
        foreach (var (field, value) in hash ?? [])
        {
            call.Reply.Bulk(field);
            call.Reply.Bulk(value);
        }
    }

    private static void HDel(in Call call)
    {
        var hash = Find(call);
        var count = 0;
        for (var i = 2; i < call.Count && hash is not null; i++)
        {
            count += hash.Lookup.Remove(call[i]) ? 1 : 0;
        }

        if (count > 0)
        {
            call.Database.RemoveIfEmpty(call.Key, hash!);
            call.Changed(call.Key);
        }

        call.Reply.Integer(count);
    }

    private static void HExists(in Call call) => call.Reply.Boolean(ValueOf(Find(call), call[2]) is not null);

    private static void HKeys(in Call call)
    {
        var hash = Find(call);
        call.Reply.Array(hash?.Count ?? 0);
        foreach (var (field, _) in hash ?? [])
        {
            call.Reply.Bulk(field);
        }
    }

    private static void HVals(in Call call)
    {
        var hash = Find(call);
        call.Reply.Array(hash?.Count ?? 0);
        foreach (var (_, value) in hash ?? [])
        {
            call.Reply.Bulk(value);
        }
    }

    private static void HIncrBy(in Call call)
    {
        var delta = call.Integer(3);
        var sum = CounterCommands.Sum(ValueOf(Find(call), call[2]) ?? "0"u8, delta, "ERR hash value is not an integer");
        Span<byte> text = stackalloc byte[LongestNumber];
        Utf8Formatter.TryFormat(sum, text, out var length);
        var lookup = call.Database.FindOrAdd<HashValue>(call.Key).Lookup;
        lookup[call[2]] = text[..length].ToArray();
        call.Changed(call.Key);
        call.Reply.Integer(sum);
    }
}

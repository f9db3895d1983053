namespace RedisServer;

/// <summary>Lists.</summary>
internal static class ListCommands
{
    public static void Register(CommandTable.AddCommand add)
    {
        add("LPUSH", -3, static (in Call call) => Push(call, atLeft: true, onlyOld: false), CommandFlags.Write);
        add("RPUSH", -3, static (in Call call) => Push(call, atLeft: false, onlyOld: false), CommandFlags.Write);
        add("LPUSHX", -3, static (in Call call) => Push(call, atLeft: true, onlyOld: true), CommandFlags.Write);
        add("RPUSHX", -3, static (in Call call) => Push(call, atLeft: false, onlyOld: true), CommandFlags.Write);
        add("LPOP", -2, static (in Call call) => Pop(call, atLeft: true), CommandFlags.Write);
        add("RPOP", -2, static (in Call call) => Pop(call, atLeft: false), CommandFlags.Write);
        add("BLPOP", -3, static (in Call call) => BlockingPop(call, atLeft: true), CommandFlags.Write);
        add("BRPOP", -3, static (in Call call) => BlockingPop(call, atLeft: false), CommandFlags.Write);
        add("LLEN", 2, static (in Call call) => call.Reply.Integer(call.Database.Find<ListValue>(call.Key)?.Count ?? 0));
        add("LRANGE", 4, LRange);
        add("LINDEX", 3, LIndex);
        add("LSET", 4, LSet, CommandFlags.Write);
        add("LREM", 4, LRem, CommandFlags.Write);
        add("LTRIM", 4, LTrim, CommandFlags.Write);
    }

    /// <summary>The range that two indexes mean, both included, where negative ones count from the end.</summary>
    public static Range Resolve(long first, long last, int count)
    {
        first = Math.Max(first < 0 ? first + count : first, 0);
        last = Math.Min(last < 0 ? last + count : last, count - 1);
        return first > last ? 0..0 : (int)first..(int)(last + 1);
    }

    private static void Push(in Call call, bool atLeft, bool onlyOld)
    {
        if (onlyOld && call.Database.Find<ListValue>(call.Key) is null)
        {
            call.Reply.Integer(0);
            return;
        }

        var list = call.Database.FindOrAdd<ListValue>(call.Key);
        for (var i = 2; i < call.Count; i++)
        {
            list.Add(call[i].ToArray(), atLeft);
        }

        call.Changed(call.Key);
        call.Reply.Integer(list.Count);
        call.Service.Blocked.NotePush(call.Key);
    }

    private static void Pop(in Call call, bool atLeft)
    {
        if (call.Count > 3)
        {
            throw call.WrongCount();
        }

        var count = call.Count == 3 ? call.Integer(2) : 1;
        if (count < 0)
        {
            throw new CommandException("ERR value is out of range, must be positive");
        }

        var list = call.Database.Find<ListValue>(call.Key);
        if (list is null)
        {
            if (call.Count == 3)
            {
                call.Reply.NullArray();
            }
            else
            {
                call.Reply.Null();
            }

            return;
        }

        count = Math.Min(count, list.Count);
        if (call.Count == 3)
        {
            call.Reply.Array((int)count);
        }

        for (var i = 0; i < count; i++)
        {
            call.Reply.Bulk(list.Take(atLeft));
        }

        if (count > 0)
        {
            call.Database.RemoveIfEmpty(call.Key, list);
            call.Changed(call.Key);
        }
    }

    /// <summary>Pops from the first list that has something; otherwise the client waits, unless it is within a transaction.</summary>
    private static void BlockingPop(in Call call, bool atLeft)
    {
        var timeout = Numbers.TryParse(call[call.Count - 1], out double seconds)
            ? seconds : throw new CommandException("ERR timeout is not a float or out of range");
        if (timeout < 0)
        {
            throw new CommandException("ERR timeout is negative");
        }

        if (timeout > int.MaxValue)
        {
            throw new CommandException("ERR timeout is out of range");
        }

        for (var i = 1; i < call.Count - 1; i++)
        {
            if (call.Database.Find<ListValue>(call[i]) is { } list)
            {
                BlockedClients.Reply(call.Reply, call[i], list.Take(atLeft));
                call.Database.RemoveIfEmpty(call[i], list);
                call.Changed(call[i]);
                call.Service.Journal?.Rewrite(atLeft ? "LPOP"u8 : "RPOP"u8, call[i]);
                return;
            }
        }

        if (call.Client.IsInExec)
        {
            call.Reply.NullArray();
            return;
        }

        var keys = new byte[call.Count - 2][];
        for (var i = 0; i < keys.Length; i++)
        {
            keys[i] = call[i + 1].ToArray();
        }

        call.Service.Blocked.Add(call.Client, keys, atLeft, TimeSpan.FromSeconds(timeout));
    }

    private static void LRange(in Call call)
    {
        var (first, last) = (call.Integer(2), call.Integer(3));
        var list = call.Database.Find<ListValue>(call.Key);
        var (start, count) = Resolve(first, last, list?.Count ?? 0).GetOffsetAndLength(list?.Count ?? 0);
        call.Reply.Array(count);
        for (var i = start; i < start + count; i++)
        {
            call.Reply.Bulk(list![i]);
        }
    }

    private static void LIndex(in Call call)
    {
        var list = call.Database.Find<ListValue>(call.Key);
        var index = call.Integer(2);
        index += index < 0 ? list?.Count ?? 0 : 0;
        call.Reply.BulkOrNull(list is not null && index >= 0 && index < list.Count ? list[(int)index] : null);
    }

    private static void LSet(in Call call)
    {
        var list = call.Database.Find<ListValue>(call.Key) ?? throw new CommandException(CommandException.NoSuchKey);
        var index = call.Integer(2);
        index += index < 0 ? list.Count : 0;
        if (index < 0 || index >= list.Count)
        {
            throw new CommandException(CommandException.OutOfRange);
        }

        list[(int)index] = call[3].ToArray();
        call.Changed(call.Key);
        call.Reply.Ok();
    }

    private static void LRem(in Call call)
    {
        var count = call.Integer(2);
        var element = call[3].ToArray();
        var left = count == 0 ? long.MaxValue : Math.Abs(Math.Max(count, -long.MaxValue));
        var list = call.Database.Find<ListValue>(call.Key);
        var removed = list?.RemoveAll(other => left > 0 && other.AsSpan().SequenceEqual(element) && left-- > 0, fromRight: count < 0) ?? 0;
        if (removed > 0)
        {
            call.Database.RemoveIfEmpty(call.Key, list!);
            call.Changed(call.Key);
        }

        call.Reply.Integer(removed);
    }

    private static void LTrim(in Call call)
    {
        var (first, last) = (call.Integer(2), call.Integer(3));
        if (call.Database.Find<ListValue>(call.Key) is { } list)
        {
            var before = list.Count;
            var (start, count) = Resolve(first, last, before).GetOffsetAndLength(before);
            for (var i = 0; i < start; i++)
            {
                list.Take(atLeft: true);
            }

            while (list.Count > count)
            {
                list.Take(atLeft: false);
            }

            if (list.Count < before)
            {
                call.Database.RemoveIfEmpty(call.Key, list);
                call.Changed(call.Key);
            }
        }

        call.Reply.Ok();
    }
}

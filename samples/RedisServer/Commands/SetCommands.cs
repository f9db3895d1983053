namespace RedisServer;

/// <summary>Sets.</summary>
internal static class SetCommands
{
    public static void Register(CommandTable.AddCommand add)
    {
        add("SADD", -3, SAdd, CommandFlags.Write);
        add("SREM", -3, SRem, CommandFlags.Write);
        add("SMEMBERS", 2, static (in Call call) => Write(call.Reply, Find(call, 1)));
        add("SISMEMBER", 3, static (in Call call) => call.Reply.Boolean(Find(call, 1)?.Contains(call[2]) ?? false));
        add("SCARD", 2, static (in Call call) => call.Reply.Integer(Find(call, 1)?.Count ?? 0));
        add("SINTER", -2, SInter);
        add("SUNION", -2, SUnion);
        add("SDIFF", -2, SDiff);
        add("SPOP", -2, SPop, CommandFlags.Write);
    }

    private static SetValue? Find(in Call call, int index) => call.Database.Find<SetValue>(call[index]);

    private static void SAdd(in Call call)
    {
        var set = call.Database.FindOrAdd<SetValue>(call.Key);
        var count = 0;
        for (var i = 2; i < call.Count; i++)
        {
            count += set.Add(call[i]) ? 1 : 0;
        }

        if (count > 0)
        {
            call.Changed(call.Key);
        }

        call.Reply.Integer(count);
    }

    private static void SRem(in Call call)
    {
        var set = Find(call, 1);
        var count = 0;
        for (var i = 2; i < call.Count && set is not null; i++)
        {
            count += set.Remove(call[i]) ? 1 : 0;
        }

        if (count > 0)
        {
            call.Database.RemoveIfEmpty(call.Key, set!);
            call.Changed(call.Key);
        }

        call.Reply.Integer(count);
    }

    private static void SInter(in Call call)
    {
        var sets = Sets(call);
        var smallest = sets.MinBy(set => set?.Count ?? 0);
        Write(call.Reply, smallest?.Where(member => sets.TrueForAll(set => set!.Contains(member))));
    }

    private static void SUnion(in Call call)
    {
        var union = new SetValue();
        foreach (var set in Sets(call))
        {
            foreach (var member in set ?? [])
            {
                union.Add(member);
            }
        }

        Write(call.Reply, union);
    }

    private static void SDiff(in Call call)
    {
        var sets = Sets(call);
        var others = sets.Skip(1).ToList();
        Write(call.Reply, sets[0]?.Where(member => !others.Exists(set => set?.Contains(member) ?? false)));
    }

    /// <summary>What was taken is random, so it is logged as the removal of those members.</summary>
    private static void SPop(in Call call)
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

        var set = Find(call, 1);
        var taken = new List<byte[]>();
        while (set is { Count: > 0 } && taken.Count < count)
        {
            var member = set[Random.Shared.Next(set.Count)];
            set.Remove(member);
            taken.Add(member);
        }

        if (taken.Count > 0)
        {
            call.Database.RemoveIfEmpty(call.Key, set!);
            call.Changed(call.Key);
            call.Service.Journal?.Rewrite("SREM"u8, call.Key, taken);
        }

        if (call.Count == 3)
        {
            Write(call.Reply, taken);
        }
        else
        {
            call.Reply.BulkOrNull(taken.Count > 0 ? taken[0] : null);
        }
    }

    private static List<SetValue?> Sets(in Call call)
    {
        var sets = new List<SetValue?>();
        for (var i = 1; i < call.Count; i++)
        {
            sets.Add(Find(call, i));
        }

        return sets;
    }

    private static void Write(RespWriter reply, IEnumerable<byte[]>? members)
    {
        var list = members?.ToList() ?? [];
        reply.Set(list.Count);
        list.ForEach(member => reply.Bulk(member));
    }
}

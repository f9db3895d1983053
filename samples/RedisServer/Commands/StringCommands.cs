namespace RedisServer;

/// <summary>GET, SET and what else works on strings.</summary>
internal static class StringCommands
{
    private const int MaximumLength = 512 * 1024 * 1024;

    public static void Register(CommandTable.AddCommand add)
    {
        add("GET", 2, Get);
        add("SET", -3, Set, CommandFlags.Write);
        add("SETEX", 4, SetEx, CommandFlags.Write);
        add("PSETEX", 4, SetEx, CommandFlags.Write);
        add("SETNX", 3, SetNx, CommandFlags.Write);
        add("GETSET", 3, GetSet, CommandFlags.Write);
        add("GETDEL", 2, GetDel, CommandFlags.Write);
        add("MGET", -2, MGet);
        add("MSET", -3, MSet, CommandFlags.Write);
        add("APPEND", 3, Append, CommandFlags.Write);
        add("STRLEN", 2, StrLen);
        add("GETRANGE", 4, GetRange);
        add("SETRANGE", 4, SetRange, CommandFlags.Write);
    }

    private static void Get(in Call call) => call.Reply.BulkOrNull(call.Database.Find<byte[]>(call.Key));

    private static void Set(in Call call)
    {
        var (onlyNew, onlyOld, keepsExpiry, returnsOld) = (false, false, false, false);
        long? expiresAt = null;
        for (var i = 3; i < call.Count; i++)
        {
            if (call.Is(i, "NX"u8) && !onlyOld)
            {
                onlyNew = true;
            }
            else if (call.Is(i, "XX"u8) && !onlyNew)
            {
                onlyOld = true;
            }
            else if (call.Is(i, "KEEPTTL"u8) && expiresAt is null)
            {
                keepsExpiry = true;
            }
            else if (call.Is(i, "GET"u8))
            {
                returnsOld = true;
            }
            else if (expiresAt is null && !keepsExpiry && i + 1 < call.Count && KeyCommands.TryReadExpiry(call, i, out var at))
            {
                expiresAt = at;
                i++;
            }
            else
            {
                throw new CommandException(CommandException.Syntax);
            }
        }

        var entry = call.Database.Find(call.Key);
        if (returnsOld)
        {
            call.Reply.BulkOrNull(call.Database.Find<byte[]>(call.Key));
        }

        if (entry is null ? onlyOld : onlyNew)
        {
            if (!returnsOld)
            {
                call.Reply.Null();
            }

            return;
        }

        Store(call, entry, call.Key, call[2], expiresAt, keepsExpiry);
        if (!returnsOld)
        {
            call.Reply.Ok();
        }
    }

    private static void SetEx(in Call call)
    {
        var at = KeyCommands.ReadExpiry(call, 2, isRelative: true, inSeconds: call.Command.Name == "SETEX");
        Store(call, call.Database.Find(call.Key), call.Key, call[3], at, keepsExpiry: false);
        call.Reply.Ok();
    }

    /// <summary>Stores a string. A relative time is logged as the absolute one that it means.</summary>
    private static void Store(
        in Call call, Entry? entry, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long? expiresAt, bool keepsExpiry)
    {
        entry = call.Database.SetString(entry, key, value);
        if (expiresAt is { } at)
        {
            call.Database.SetExpiry(entry, at);
            call.Service.Journal?.Rewrite("SET"u8, key, value, "PXAT"u8, at);
        }
        else if (entry.ExpiresAt != 0 && !keepsExpiry)
        {
            call.Database.SetExpiry(entry, 0);
        }

        call.Changed(key);
    }

    private static void SetNx(in Call call)
    {
        var isNew = call.Database.Find(call.Key) is null;
        if (isNew)
        {
            Store(call, null, call.Key, call[2], null, keepsExpiry: false);
        }

        call.Reply.Boolean(isNew);
    }

    private static void GetSet(in Call call)
    {
        call.Reply.BulkOrNull(call.Database.Find<byte[]>(call.Key));
        Store(call, call.Database.Find(call.Key), call.Key, call[2], null, keepsExpiry: false);
    }

    private static void GetDel(in Call call)
    {
        var value = call.Database.Find<byte[]>(call.Key);
        call.Reply.BulkOrNull(value);
        if (value is not null)
        {
            call.Database.Remove(call.Key);
            call.Changed(call.Key);
        }
    }

    private static void MGet(in Call call)
    {
        call.Reply.Array(call.Count - 1);
        for (var i = 1; i < call.Count; i++)
        {
            // What is no string counts as missing here, as in Redis.
            call.Reply.BulkOrNull(call.Database.Find(call[i])?.Value as byte[]);
        }
    }

    private static void MSet(in Call call)
    {
        if (call.Count % 2 == 0)
        {
            throw call.WrongCount();
        }

        for (var i = 1; i < call.Count; i += 2)
        {
            Store(call, call.Database.Find(call[i]), call[i], call[i + 1], null, keepsExpiry: false);
        }

        call.Reply.Ok();
    }

    private static void Append(in Call call)
    {
        var before = call.Database.Find<byte[]>(call.Key) ?? [];
        CheckLength((long)before.Length + call[2].Length);
        byte[] value = [.. before, .. call[2]];
        call.Database.Set(call.Key, value);
        call.Changed(call.Key);
        call.Reply.Integer(value.Length);
    }

    private static void StrLen(in Call call) => call.Reply.Integer(call.Database.Find<byte[]>(call.Key)?.Length ?? 0);

    private static void GetRange(in Call call)
    {
        var (first, last) = (call.Integer(2), call.Integer(3));
        var value = call.Database.Find<byte[]>(call.Key) ?? [];
        call.Reply.Bulk(value.AsSpan(ListCommands.Resolve(first, last, value.Length)));
    }

    private static void SetRange(in Call call)
    {
        var offset = call.Integer(2);
        if (offset < 0)
        {
            throw new CommandException("ERR offset is out of range");
        }

        var before = call.Database.Find<byte[]>(call.Key) ?? [];
        if (call[3].IsEmpty)
        {
            call.Reply.Integer(before.Length);
            return;
        }

        CheckLength(Math.Min(offset, MaximumLength) + call[3].Length);
        var value = new byte[Math.Max(before.Length, (int)offset + call[3].Length)];
        before.CopyTo(value, 0);
        call[3].CopyTo(value.AsSpan((int)offset));
        call.Database.Set(call.Key, value);
        call.Changed(call.Key);
        call.Reply.Integer(value.Length);
    }

    private static void CheckLength(long length)
    {
        if (length > MaximumLength)
        {
            throw new CommandException("ERR string exceeds maximum allowed size (proto-max-bulk-len)");
        }
    }
}

using System.Text;

namespace RedisServer;

/// <summary>What works on keys, whatever they hold.</summary>
internal static class KeyCommands
{
    private const int DefaultScanCount = 10;

    public static void Register(CommandTable.AddCommand add)
    {
        add("DEL", -2, Del, CommandFlags.Write);
        add("UNLINK", -2, Del, CommandFlags.Write);
        add("EXISTS", -2, Exists);
        add("TYPE", 2, Type);
        add("EXPIRE", -3, Expire, CommandFlags.Write);
        add("PEXPIRE", -3, Expire, CommandFlags.Write);
        add("EXPIREAT", -3, Expire, CommandFlags.Write);
        add("PEXPIREAT", -3, Expire, CommandFlags.Write);
        add("TTL", 2, static (in Call call) => TimeLeft(call, 1000));
        add("PTTL", 2, static (in Call call) => TimeLeft(call, 1));
        add("PERSIST", 2, Persist, CommandFlags.Write);
        add("KEYS", 2, Keys);
        add("SCAN", -2, Scan);
        add("RENAME", 3, Rename, CommandFlags.Write);
        add("RENAMENX", 3, Rename, CommandFlags.Write);
        add("DBSIZE", 1, static (in Call call) => call.Reply.Integer(call.Database.Count), CommandFlags.NoKey);
        add("FLUSHALL", -1, Flush, CommandFlags.Write | CommandFlags.NoKey);
        add("FLUSHDB", -1, Flush, CommandFlags.Write | CommandFlags.NoKey);
    }

    /// <summary>Reads EX, PX, EXAT or PXAT with its time, as milliseconds of Unix time; false where it is another word.</summary>
    public static bool TryReadExpiry(in Call call, int index, out long at)
    {
        at = 0;
        var inSeconds = call.Is(index, "EX"u8) || call.Is(index, "EXAT"u8);
        var isRelative = call.Is(index, "EX"u8) || call.Is(index, "PX"u8);
        if (!inSeconds && !isRelative && !call.Is(index, "PXAT"u8))
        {
            return false;
        }

        at = ReadExpiry(call, index + 1, isRelative, inSeconds);
        return true;
    }

    /// <summary>Reads a time that has to lie after 0.</summary>
    public static long ReadExpiry(in Call call, int index, bool isRelative, bool inSeconds)
    {
        var time = call.Integer(index);
        return time > 0 && TryMakeAbsolute(call, time, isRelative, inSeconds, out var at) ? at : throw InvalidExpiry(call);
    }

    public static string NameOf(object? value) => value switch
    {
        null => "none",
        byte[] => "string",
        ListValue => "list",
        HashValue => "hash",
        SetValue => "set",
        _ => "zset",
    };

    private static CommandException InvalidExpiry(in Call call) =>
        new($"ERR invalid expire time in '{call.Command.Name.ToLowerInvariant()}' command");

    private static bool TryMakeAbsolute(in Call call, long time, bool isRelative, bool inSeconds, out long at)
    {
        at = 0;
        try
        {
            at = checked((inSeconds ? time * 1000 : time) + (isRelative ? call.Database.Now : 0));
            return true;
        }
        catch (OverflowException)
        {
            return false;
        }
    }

    private static void Del(in Call call)
    {
        var count = 0;
        for (var i = 1; i < call.Count; i++)
        {
            if (call.Database.Remove(call[i]))
            {
                call.Changed(call[i]);
                count++;
            }
        }

        call.Reply.Integer(count);
    }

    private static void Exists(in Call call)
    {
        var count = 0;
        for (var i = 1; i < call.Count; i++)
        {
            count += call.Database.Find(call[i]) is null ? 0 : 1;
        }

        call.Reply.Integer(count);
    }

    private static void Type(in Call call) => call.Reply.Simple(Encoding.ASCII.GetBytes(NameOf(call.Database.Find(call.Key)?.Value)));

    private static void Expire(in Call call)
    {
        var name = call.Command.Name;
        if (!TryMakeAbsolute(call, call.Integer(2), !name.EndsWith("AT", StringComparison.Ordinal), name[0] == 'E', out var at))
        {
            throw InvalidExpiry(call);
        }

        var entry = call.Database.Find(call.Key);
        var isSet = entry is not null;
        for (var i = 3; i < call.Count; i++)
        {
            var before = entry?.ExpiresAt ?? 0;
            isSet &= call.Is(i, "NX"u8) ? before == 0
                : call.Is(i, "XX"u8) ? before != 0
                : call.Is(i, "GT"u8) ? before != 0 && at > before
                : call.Is(i, "LT"u8) ? before == 0 || at < before
                : throw new CommandException($"ERR Unsupported option {call.Text(i)}");
        }

        call.Reply.Boolean(isSet);
        if (!isSet)
        {
            return;
        }

        call.Changed(call.Key);
        if (at <= call.Database.Now && !call.Database.IsLoading)
        {
            call.Database.Remove(call.Key);
            call.Service.Journal?.Rewrite("DEL"u8, call.Key);
            return;
        }

        // Never 0, which would mean that it has no end.
        call.Database.SetExpiry(entry!, Math.Max(at, 1));
        call.Service.Journal?.Rewrite("PEXPIREAT"u8, call.Key, at);
    }

    private static void TimeLeft(in Call call, long unit)
    {
        var entry = call.Database.Find(call.Key);
        call.Reply.Integer(entry is null ? -2
            : entry.ExpiresAt == 0 ? -1
            : Math.Max(0, (entry.ExpiresAt - call.Database.Now + (unit / 2)) / unit));
    }

    private static void Persist(in Call call)
    {
        var entry = call.Database.Find(call.Key);
        var had = entry is { ExpiresAt: not 0 };
        if (had)
        {
            call.Database.SetExpiry(entry!, 0);
            call.Changed(call.Key);
        }

        call.Reply.Boolean(had);
    }

    private static void Keys(in Call call)
    {
        var found = new List<byte[]>();
        var now = call.Database.Now;
        foreach (var entry in call.Database.Entries)
        {
            if ((entry.ExpiresAt == 0 || entry.ExpiresAt > now) && Glob.IsMatch(call[1], entry.Key))
            {
                found.Add(entry.Key);
            }
        }

        call.Reply.Array(found.Count);
        var reply = call.Reply;
        found.ForEach(key => reply.Bulk(key));
    }

    /// <summary>
    /// Goes from the last entry to the first; the cursor is how many are left. An entry that is removed meanwhile has its place taken by
    /// the last one, which was looked at before or comes down into what is left: whatever stays all the time is found.
    /// </summary>
    private static void Scan(in Call call)
    {
        if (!ulong.TryParse(call[1], out var cursor))
        {
            throw new CommandException("ERR invalid cursor");
        }

        ReadOnlySpan<byte> pattern = "*"u8;
        ReadOnlySpan<byte> type = default;
        var count = DefaultScanCount;
        for (var i = 2; i < call.Count; i += 2)
        {
            if (i + 1 == call.Count)
            {
                throw new CommandException(CommandException.Syntax);
            }

            if (call.Is(i, "MATCH"u8))
            {
                pattern = call[i + 1];
            }
            else if (call.Is(i, "TYPE"u8))
            {
                type = call[i + 1];
            }
            else if (call.Is(i, "COUNT"u8))
            {
                count = call.Index(i + 1) is > 0 and var number ? number : throw new CommandException(CommandException.Syntax);
            }
            else
            {
                throw new CommandException(CommandException.Syntax);
            }
        }

        var entries = call.Database.Entries;
        var left = cursor == 0 ? entries.Count : (int)Math.Min(cursor, (ulong)entries.Count);
        var found = new List<byte[]>();
        var now = call.Database.Now;
        for (; count > 0 && left > 0; count--)
        {
            var entry = entries[--left];
            if ((entry.ExpiresAt == 0 || entry.ExpiresAt > now) && Glob.IsMatch(pattern, entry.Key)
                && (type.IsEmpty || Ascii.EqualsIgnoreCase(type, NameOf(entry.Value))))
            {
                found.Add(entry.Key);
            }
        }

        call.Reply.Array(2);
        call.Reply.Bulk(left);
        call.Reply.Array(found.Count);
        var reply = call.Reply;
        found.ForEach(key => reply.Bulk(key));
    }

    private static void Rename(in Call call)
    {
        var entry = call.Database.Find(call.Key) ?? throw new CommandException(CommandException.NoSuchKey);
        var onlyNew = call.Command.Name == "RENAMENX";
        if (onlyNew && call.Database.Find(call[2]) is not null)
        {
            call.Reply.Boolean(false);
            return;
        }

        if (!call.Key.SequenceEqual(call[2]))
        {
            var (value, expiresAt) = (entry.Value, entry.ExpiresAt);
            call.Database.Remove(call.Key);
            call.Database.SetExpiry(call.Database.Set(call[2], value), expiresAt);
            call.Changed(call.Key);
            call.Changed(call[2]);
        }

        if (onlyNew)
        {
            call.Reply.Boolean(true);
        }
        else
        {
            call.Reply.Ok();
        }
    }

    private static void Flush(in Call call)
    {
        if (call.Count > 2 || (call.Count == 2 && !call.Is(1, "SYNC"u8) && !call.Is(1, "ASYNC"u8)))
        {
            throw new CommandException(CommandException.Syntax);
        }

        call.Database.Clear();
        call.Reply.Ok();
    }
}

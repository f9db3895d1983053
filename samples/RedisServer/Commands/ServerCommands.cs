using System.Text;

namespace RedisServer;

/// <summary>What concerns the connection or the server.</summary>
internal static class ServerCommands
{
    private const string Version = "7.0.0";

    public static void Register(CommandTable.AddCommand add)
    {
        add("PING", -1, Ping, CommandFlags.Subscriber | CommandFlags.NoKey);
        add("ECHO", 2, static (in Call call) => call.Reply.Bulk(call[1]), CommandFlags.NoKey);
        add("QUIT", -1, Quit, CommandFlags.Subscriber | CommandFlags.Immediate | CommandFlags.NoKey);
        add("SELECT", 2, Select, CommandFlags.NoKey);
        add("HELLO", -1, Hello, CommandFlags.NoKey);
        add("CLIENT", -2, ClientCommand, CommandFlags.NoKey);
        add("COMMAND", -1, DescribeCommands, CommandFlags.NoKey);
        add("CONFIG", -2, Config, CommandFlags.NoKey);
        add("INFO", -1, static (in Call call) => call.Reply.Bulk(call.Service.DescribeAsInfo()), CommandFlags.NoKey);
        add("TIME", 1, Time, CommandFlags.NoKey);
        add("BGREWRITEAOF", 1, BgRewriteAof, CommandFlags.NoKey);
        add("SHUTDOWN", -1, Shutdown, CommandFlags.NoKey);
    }

    private static void Ping(in Call call)
    {
        if (call.Count > 2)
        {
            throw call.WrongCount();
        }

        if (call.Client.SubscriptionCount > 0 && !call.Client.IsResp3)
        {
            call.Reply.Array(2);
            call.Reply.Bulk("pong"u8);
            call.Reply.Bulk(call.Count == 2 ? call[1] : default);
        }
        else if (call.Count == 2)
        {
            call.Reply.Bulk(call[1]);
        }
        else
        {
            call.Reply.Simple("PONG"u8);
        }
    }

    private static void Quit(in Call call)
    {
        call.Reply.Ok();
        call.Client.IsClosing = true;
    }

    private static void Select(in Call call)
    {
        if (call.Integer(1) != 0)
        {
            throw new CommandException("ERR DB index is out of range");
        }

        call.Reply.Ok();
    }

    private static void Hello(in Call call)
    {
        var isResp3 = call.Client.IsResp3;
        if (call.Count > 1)
        {
            isResp3 = !Numbers.TryParse(call[1], out long version)
                ? throw new CommandException("ERR Protocol version is not an integer or out of range")
                : version is 2 or 3 ? version == 3
                : throw new CommandException("NOPROTO unsupported protocol version");
        }

        var name = call.Client.Name;
        for (var i = 2; i < call.Count; i++)
        {
            if (call.Is(i, "SETNAME"u8) && i + 1 < call.Count)
            {
                name = ReadName(call, ++i);
            }
            else if (call.Is(i, "AUTH"u8) && i + 2 < call.Count)
            {
                throw new CommandException("ERR AUTH: this server has no passwords");
            }
            else
            {
                throw new CommandException($"ERR Syntax error in HELLO option '{call.Text(i)}'");
            }
        }

        call.Client.Name = name;
        call.Client.IsResp3 = call.Reply.IsResp3 = isResp3;
        call.Reply.Map(7);
        call.Reply.Bulk("server"u8);
        call.Reply.Bulk("redis"u8);
        call.Reply.Bulk("version"u8);
        call.Reply.Bulk(Version);
        call.Reply.Bulk("proto"u8);
        call.Reply.Integer(isResp3 ? 3 : 2);
        call.Reply.Bulk("id"u8);
        call.Reply.Integer(call.Client.Id);
        call.Reply.Bulk("mode"u8);
        call.Reply.Bulk("standalone"u8);
        call.Reply.Bulk("role"u8);
        call.Reply.Bulk("master"u8);
        call.Reply.Bulk("modules"u8);
        call.Reply.Array(0);
    }

    private static void ClientCommand(in Call call)
    {
        if (call.Is(1, "SETNAME"u8) && call.Count == 3)
        {
            call.Client.Name = ReadName(call, 2);
            call.Reply.Ok();
        }
        else if (call.Is(1, "GETNAME"u8) && call.Count == 2)
        {
            call.Reply.BulkOrNull(call.Client.Name);
        }
        else if (call.Is(1, "ID"u8) && call.Count == 2)
        {
            call.Reply.Integer(call.Client.Id);
        }
        else if (call.Is(1, "SETINFO"u8) && call.Count == 4)
        {
            call.Reply.Ok();
        }
        else if (call.Is(1, "LIST"u8) && call.Count == 2)
        {
            call.Reply.Bulk(string.Concat(call.Service.Clients.Select(client => client.Describe() + "\n")));
        }
        else
        {
            throw UnknownSubcommand(call);
        }
    }

    private static byte[]? ReadName(in Call call, int index)
    {
        if (call[index].ContainsAnyExceptInRange((byte)'!', (byte)'~'))
        {
            throw new CommandException("ERR Client names cannot contain spaces, newlines or special characters.");
        }

        return call[index].IsEmpty ? null : call[index].ToArray();
    }

    private static void DescribeCommands(in Call call)
    {
        if (call.Count == 1)
        {
            call.Reply.Array(CommandTable.All.Count);
            foreach (var command in CommandTable.All)
            {
                Describe(call.Reply, command);
            }
        }
        else if (call.Is(1, "COUNT"u8))
        {
            call.Reply.Integer(CommandTable.All.Count);
        }
        else if (call.Is(1, "DOCS"u8))
        {
            // There are none; clients then show no hints.
            call.Reply.Map(0);
        }
        else if (call.Is(1, "INFO"u8))
        {
            call.Reply.Array(call.Count - 2);
            for (var i = 2; i < call.Count; i++)
            {
                if (CommandTable.Find(call[i]) is { } command)
                {
                    Describe(call.Reply, command);
                }
                else
                {
                    call.Reply.NullArray();
                }
            }
        }
        else
        {
            throw UnknownSubcommand(call);
        }
    }

    private static void Describe(RespWriter reply, Command command)
    {
        var hasKey = !command.Flags.HasFlag(CommandFlags.NoKey);
        var hasMany = command.Name is "DEL" or "UNLINK" or "EXISTS" or "MGET" or "MSET" or "WATCH" or "SINTER" or "SUNION" or "SDIFF"
            or "BLPOP" or "BRPOP";
        reply.Array(6);
        reply.Bulk(command.Name.ToLowerInvariant());
        reply.Integer(command.Arity);
        reply.Set(1);
        reply.Simple(command.Flags.HasFlag(CommandFlags.Write) ? "write"u8 : "readonly"u8);
        reply.Integer(hasKey ? 1 : 0);
        reply.Integer(!hasKey ? 0 : !hasMany ? 1 : command.Name[0] == 'B' ? -2 : -1);
        reply.Integer(!hasKey ? 0 : command.Name == "MSET" ? 2 : 1);
    }

    private static void Config(in Call call)
    {
        if (!call.Is(1, "GET"u8) || call.Count < 3)
        {
            throw UnknownSubcommand(call);
        }

        var found = new List<(string Name, string Value)>();
        foreach (var (name, value) in call.Service.DescribeAsConfig())
        {
            for (var i = 2; i < call.Count; i++)
            {
                if (Glob.IsMatch(Encoding.UTF8.GetBytes(call.Text(i).ToLowerInvariant()), Encoding.UTF8.GetBytes(name)))
                {
                    found.Add((name, value));
                    break;
                }
            }
        }

        call.Reply.Map(found.Count);
        foreach (var (name, value) in found)
        {
            call.Reply.Bulk(name);
            call.Reply.Bulk(value);
        }
    }

    private static void Time(in Call call)
    {
        var (seconds, rest) = Math.DivRem(call.Database.Now, 1000);
        call.Reply.Array(2);
        call.Reply.Bulk(seconds);
        call.Reply.Bulk(rest * 1000);
    }

    private static void BgRewriteAof(in Call call)
    {
        var journal = call.Service.Journal ?? throw new CommandException("ERR this server was started without --appendonly yes");
        journal.RequestRewrite();
        call.Reply.Simple("Background append only file rewriting started"u8);
    }

    private static void Shutdown(in Call call)
    {
        for (var i = 1; i < call.Count; i++)
        {
            if (!call.Is(i, "NOSAVE"u8) && !call.Is(i, "SAVE"u8) && !call.Is(i, "NOW"u8) && !call.Is(i, "FORCE"u8))
            {
                throw new CommandException(CommandException.Syntax);
            }
        }

        // No reply: the connection ends.
        call.Client.IsClosing = true;
        call.Service.RequestStop();
    }

    private static CommandException UnknownSubcommand(in Call call) =>
        new($"ERR unknown subcommand or wrong number of arguments for '{call.Text(1)}'. Try {call.Command.Name} HELP.");
}

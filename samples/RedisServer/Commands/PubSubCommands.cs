namespace RedisServer;

/// <summary>Channels.</summary>
internal static class PubSubCommands
{
    public static void Register(CommandTable.AddCommand add)
    {
        const CommandFlags Flags = CommandFlags.Subscriber | CommandFlags.NoKey;
        add("SUBSCRIBE", -2, static (in Call call) => Subscribe(call, isPattern: false), Flags);
        add("PSUBSCRIBE", -2, static (in Call call) => Subscribe(call, isPattern: true), Flags);
        add("UNSUBSCRIBE", -1, static (in Call call) => Unsubscribe(call, isPattern: false), Flags);
        add("PUNSUBSCRIBE", -1, static (in Call call) => Unsubscribe(call, isPattern: true), Flags);
        add("PUBLISH", 3, static (in Call call) => call.Reply.Integer(call.Service.PubSub.Publish(call[1], call[2])), CommandFlags.NoKey);
    }

    private static void Subscribe(in Call call, bool isPattern)
    {
        for (var i = 1; i < call.Count; i++)
        {
            call.Service.PubSub.Add(call.Client, call[i].ToArray(), isPattern);
            Confirm(call, isPattern ? "psubscribe"u8 : "subscribe"u8, call[i]);
        }
    }

    private static void Unsubscribe(in Call call, bool isPattern)
    {
        var kind = isPattern ? "punsubscribe"u8 : "unsubscribe"u8;
        var names = new List<byte[]>();
        for (var i = 1; i < call.Count; i++)
        {
            names.Add(call[i].ToArray());
        }

        if (names.Count == 0)
        {
            names.AddRange(isPattern ? call.Client.Patterns : call.Client.Channels);
        }

        foreach (var name in names)
        {
            call.Service.PubSub.Remove(call.Client, name, isPattern);
            Confirm(call, kind, name);
        }

        if (names.Count == 0)
        {
            Confirm(call, kind, default);
        }
    }

    private static void Confirm(in Call call, ReadOnlySpan<byte> kind, ReadOnlySpan<byte> name)
    {
        call.Reply.Push(3);
        call.Reply.Bulk(kind);
        if (name.IsEmpty)
        {
            call.Reply.Null();
        }
        else
        {
            call.Reply.Bulk(name);
        }

        call.Reply.Integer(call.Client.SubscriptionCount);
    }
}

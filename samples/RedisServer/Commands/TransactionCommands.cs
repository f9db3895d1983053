namespace RedisServer;

/// <summary>MULTI and EXEC: commands that are carried out one after the other with nothing between, and stand in the file as one.</summary>
internal static class TransactionCommands
{
    public static void Register(CommandTable.AddCommand add)
    {
        const CommandFlags Flags = CommandFlags.Immediate | CommandFlags.NoKey;
        add("MULTI", 1, Multi, Flags);
        add("EXEC", 1, Exec, Flags);
        add("DISCARD", 1, Discard, Flags);
        add("WATCH", -2, Watch, CommandFlags.Immediate);
        add("UNWATCH", 1, Unwatch, CommandFlags.NoKey);
    }

    private static void Multi(in Call call)
    {
        if (call.Client.Queue is not null)
        {
            throw new CommandException("ERR MULTI calls can not be nested");
        }

        call.Client.Queue = [];
        call.Reply.Ok();
    }

    private static void Exec(in Call call)
    {
        var client = call.Client;
        var queue = client.Queue ?? throw new CommandException("ERR EXEC without MULTI");
        var (isAborted, isBroken) = (client.IsQueueBroken, client.IsWatchBroken || client.HasWatchedExpired());
        client.EndTransaction();
        if (isAborted)
        {
            throw new CommandException("EXECABORT Transaction discarded because of previous errors.");
        }

        if (isBroken)
        {
            call.Reply.NullArray();
            return;
        }

        call.Reply.Array(queue.Count);
        client.IsInExec = true;
        call.Service.Journal?.BeginTransaction();
        foreach (var queued in queue)
        {
            call.Service.Run(new Call(call.Service, client, queued.Command, queued.Source, queued.Arguments, call.Reply));
        }

        call.Service.Journal?.EndTransaction();

        // Each of them is logged; this one is not to be logged as well.
        call.Database.IsChanged = false;
        client.IsInExec = false;
    }

    private static void Discard(in Call call)
    {
        if (call.Client.Queue is null)
        {
            throw new CommandException("ERR DISCARD without MULTI");
        }

        call.Client.EndTransaction();
        call.Reply.Ok();
    }

    private static void Watch(in Call call)
    {
        if (call.Client.Queue is not null)
        {
            throw new CommandException("ERR WATCH inside MULTI is not allowed");
        }

        for (var i = 1; i < call.Count; i++)
        {
            call.Client.Watch(call[i].ToArray());
        }

        call.Reply.Ok();
    }

    private static void Unwatch(in Call call)
    {
        call.Client.Unwatch();
        call.Reply.Ok();
    }
}

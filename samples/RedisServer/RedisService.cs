using Baton;

namespace RedisServer;

/// <summary>The server: its keys, its clients, and how it starts and ends.</summary>
internal sealed class RedisService(Settings settings)
{
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan ExpiryInterval = TimeSpan.FromMilliseconds(100);
    private const int ExpiriesPerTurn = 1000;

    private readonly HashSet<Client> _clients = [];
    private readonly Stack<RespWriter> _writers = new();
    private readonly AsyncEvent _stop = new();
    private Database? _database;
    private BlockedClients? _blocked;
    private long _started;
    private long _commands;
    private long _connections;
    private bool _isStopping;

    public Settings Settings { get; } = settings;

    public Database Database => _database ??= new Database(EventLoop.Current.Clock);

    public BlockedClients Blocked => _blocked ??= new BlockedClients(this);

    public PubSub PubSub { get; } = new();

    /// <summary>The append-only file, if there is to be one.</summary>
    public Journal? Journal { get; private set; }

    public IReadOnlyCollection<Client> Clients => _clients;

    /// <summary>
    /// Serves until the task is cancelled, as Ctrl-C and SIGTERM do, or a client has sent SHUTDOWN, and then shuts down in stages.
    /// </summary>
    public async Coroutine RunAsync()
    {
        _started = Database.Now;
        if (Settings.AppendOnly)
        {
            Journal = await Journal.OpenAsync(this);
            Database.Expired = key => Journal.Write("DEL"u8, key);
        }

        await using var server = await Server.StartAsync(Settings.Host, Settings.Port, HandleAsync, new ServerOptions { Backlog = 511 });
        foreach (var endPoint in server.EndPoints)
        {
            Console.WriteLine($"Listening on {endPoint}");
        }

        // A disk that takes no more ends the server: see below.
        var writing = Journal is null ? null : Coroutine.Start(Journal.RunAsync(), "journal");
        writing?.AddDoneCallback(_ => _stop.Set());
        var expiring = Coroutine.Start(ExpireAsync(), "expiry");
        try
        {
            await _stop.WaitAsync();
        }
        catch (CancelledException)
        {
            // The cancellation is dealt with here, so it is taken back, and the awaits below work as usual.
            LoopTask.Current!.Uncancel();
        }

        Console.WriteLine($"Stopping: {_clients.Count:N0} connected.");
        _isStopping = true;
        expiring.Cancel();
        server.StopAccepting();
        foreach (var client in _clients)
        {
            client.IsClosing = true;
            client.Wake();
        }

        await server.ShutdownAsync(DrainTime);
        if (writing is not null)
        {
            Journal!.End();
            await writing;
        }

        var noun = _connections == 1 ? "connection" : "connections";
        Console.WriteLine($"Carried out {_commands:N0} commands of {_connections:N0} {noun}.");
    }

    public void RequestStop() => _stop.Set();

    /// <summary>Carries a command out: the reply is written, and what has changed is logged.</summary>
    public void Run(in Call call)
    {
        var start = call.Reply.Length;
        var database = Database;
        database.IsChanged = false;
        try
        {
            call.Command.Handler(call);
        }
        catch (CommandException exception)
        {
            call.Reply.Truncate(start);
            call.Reply.Error(exception.Message);
        }

        _commands++;
        if (database.IsChanged)
        {
            Journal?.Log(call);
        }
    }

    public RespWriter RentWriter() => _writers.TryPop(out var writer) ? writer : new RespWriter();

    public void Return(RespWriter writer)
    {
        const int Kept = 256;
        writer.Clear();
        if (_writers.Count < Kept)
        {
            _writers.Push(writer);
        }
    }

    public string DescribeAsInfo() =>
        $"""
        # Server
        redis_version:7.0.0
        redis_mode:standalone
        server_name:baton
        process_id:{Environment.ProcessId}
        uptime_in_seconds:{(Database.Now - _started) / 1000}

        # Clients
        connected_clients:{_clients.Count}
        blocked_clients:{Blocked.Count}

        # Memory
        used_memory:{GC.GetTotalMemory(forceFullCollection: false)}

        # Persistence
        loading:0
        aof_enabled:{(Journal is null ? 0 : 1)}
        aof_current_size:{Journal?.Length ?? 0}
        aof_fsyncs:{Journal?.FlushCount ?? 0}

        # Stats
        total_connections_received:{_connections}
        total_commands_processed:{_commands}
        expired_keys:{Database.ExpiredCount}
        pubsub_channels:{PubSub.ChannelCount}
        pubsub_patterns:{PubSub.PatternCount}

        # Replication
        role:master
        connected_slaves:0

        # Keyspace
        {(Database.Count == 0 ? "" : $"db0:keys={Database.Count},expires={Database.ExpiringCount},avg_ttl=0\n")}
        """.Replace("\n", "\r\n", StringComparison.Ordinal);

    public IEnumerable<(string Name, string Value)> DescribeAsConfig() =>
    [
        ("appendfsync", Settings.Fsync.ToString().ToLowerInvariant()),
        ("appendonly", Settings.AppendOnly ? "yes" : "no"),
        ("bind", Settings.Host ?? "*"),
        ("databases", "1"),
        ("dir", Path.GetFullPath(Settings.Directory)),
        ("maxmemory", "0"),
        ("port", Settings.Port.ToString(System.Globalization.CultureInfo.InvariantCulture)),
        ("proto-max-bulk-len", "536870912"),
        ("save", ""),
        ("timeout", "0"),
    ];

    private async Coroutine HandleAsync(Connection connection)
    {
        var client = new Client(this, connection, ++_connections) { IsClosing = _isStopping };
        _clients.Add(client);
        try
        {
            await client.RunAsync();
        }
        finally
        {
            _clients.Remove(client);
        }
    }

    /// <summary>Removes keys that have expired and that nobody asks for, a few at a time, so that no client waits long.</summary>
    private async Coroutine ExpireAsync()
    {
        while (true)
        {
            await Coroutine.Sleep(ExpiryInterval);
            while (Database.RemoveExpired(ExpiriesPerTurn))
            {
                await Coroutine.Yield();
            }
        }
    }
}

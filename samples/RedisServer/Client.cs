using System.Net.Sockets;
using System.Text;
using Baton;

namespace RedisServer;

/// <summary>
/// A connection and its task, which reads, carries out what has come, and answers all of it by one write. Everything else that happens to
/// a client (a message, an element it has waited for, the server's end) is put where the task finds it, and wakes it.
/// </summary>
internal sealed partial class Client(RedisService service, Connection connection, long id)
{
    private const long MaximumQuery = 1024L * 1024 * 1024;
    private static readonly TimeSpan LingerTime = TimeSpan.FromSeconds(1);

    private readonly RequestParser _parser = new();
    private RespWriter? _reply;
    private RespWriter? _rest;
    private bool _isReading;
    private bool _hasFailed;

    public long Id { get; } = id;

    public byte[]? Name { get; set; }

    /// <summary>Whether it has asked for version 3 of the protocol.</summary>
    public bool IsResp3 { get; set; }

    /// <summary>Whether the connection is to be closed once everything is answered.</summary>
    public bool IsClosing { get; set; }

    /// <summary>What BLPOP waits for; meanwhile no further command is carried out.</summary>
    public BlockedClients.Waiter? Waiting { get; set; }

    public HashSet<byte[]> Channels { get; } = new(BytesComparer.Instance);

    public HashSet<byte[]> Patterns { get; } = new(BytesComparer.Instance);

    public int SubscriptionCount => Channels.Count + Patterns.Count;

    /// <summary>What is to be sent. Lent by the service, so that a client who has nothing to say or to hear holds no buffer.</summary>
    public RespWriter Reply
    {
        get
        {
            _reply ??= service.RentWriter();
            _reply.IsResp3 = IsResp3;
            return _reply;
        }
    }

    public string Describe() =>
        $"id={Id} addr={connection.RemoteEndPoint} name={(Name is null ? "" : Encoding.UTF8.GetString(Name))} " +
        $"sub={Channels.Count} psub={Patterns.Count} multi={Queue?.Count ?? -1} resp={(IsResp3 ? 3 : 2)}";

    /// <summary>The client's task.</summary>
    public async Coroutine RunAsync()
    {
        try
        {
            while (!IsClosing)
            {
                _isReading = true;
                var read = await connection.Input.ReadAsync();
                _isReading = false;
                foreach (var segment in read.Buffer)
                {
                    Take(segment.Span);
                }

                connection.Input.AdvanceTo(read.Buffer.End);
                GoOnWithRest();
                await SendAsync();
                if (read.IsCompleted)
                {
                    return;
                }
            }

            if (_hasFailed)
            {
                await LingerAsync();
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // A client that vanishes is nothing unusual, nor is one that was disconnected because it did not read.
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Has the task look at what has changed, if it waits for input.</summary>
    public void Wake()
    {
        if (_isReading)
        {
            _isReading = false;
            connection.Input.CancelPendingRead();
        }
    }

    /// <summary>Hands a message over. A subscriber that does not keep up would fill the server's memory: it is disconnected.</summary>
    public void Push(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> channel, ReadOnlySpan<byte> message)
    {
        if (connection.IsClosed)
        {
            return;
        }

        PubSub.WriteMessage(Reply, pattern, channel, message);
        var waiting = Reply.Length + connection.BufferedOutput;
        if (waiting > service.Settings.OutputLimit)
        {
            Console.WriteLine($"Client {Id} is disconnected: it has not read {waiting:N0} bytes of messages.");
            Reply.Clear();
            connection.Abort();
            return;
        }

        Wake();
    }

    /// <summary>Answers. What comes to be said meanwhile is said after it.</summary>
    private async Coroutine SendAsync()
    {
        while (true)
        {
            if (service.Journal is { MustWait: true } journal)
            {
                // Nobody is told what a loss of power could take back.
                await journal.WaitAsync();
            }

            if (_reply is not { } reply)
            {
                return;
            }

            _reply = null;
            if (reply.Length > 0)
            {
                await connection.WriteAsync(reply.Written);
            }

            service.Return(reply);
        }
    }

    private void Take(ReadOnlySpan<byte> received)
    {
        if (_rest is null)
        {
            var taken = CarryOut(received);
            if (taken < received.Length && !IsClosing)
            {
                _rest = service.RentWriter();
                _rest.Append(received[taken..]);
            }
        }
        else if (_rest.Length + received.Length > MaximumQuery)
        {
            Fail("the query is longer than this server takes");
        }
        else
        {
            _rest.Append(received);
            GoOnWithRest();
        }
    }

    /// <summary>Carries out what was received before, and was not complete, or came while the client waited.</summary>
    private void GoOnWithRest()
    {
        if (_rest is not null && !IsClosing)
        {
            _rest.RemoveFront(CarryOut(_rest.WrittenSpan));
            if (_rest.Length == 0)
            {
                service.Return(_rest);
                _rest = null;
            }
        }
    }

    /// <summary>Carries out all commands that are complete; returns how many bytes they have.</summary>
    private int CarryOut(ReadOnlySpan<byte> received)
    {
        var taken = 0;
        try
        {
            while (Waiting is null && !IsClosing && _parser.TryParse(received[taken..]))
            {
                if (!_parser.Arguments.IsEmpty)
                {
                    CarryOut(_parser.IsInline ? _parser.InlineSource : received.Slice(taken, _parser.Length), _parser.Arguments);
                }

                taken += _parser.Length;
            }
        }
        catch (ProtocolException exception)
        {
            Fail(exception.Message);
        }

        return taken;
    }

    private void CarryOut(ReadOnlySpan<byte> source, ReadOnlySpan<Argument> arguments)
    {
        var name = source.Slice(arguments[0].Start, arguments[0].Length);
        var command = CommandTable.Find(name);
        if (command is null || !command.Accepts(arguments.Length))
        {
            IsQueueBroken |= Queue is not null;
            Reply.Error(command is null
                ? Unknown(source, arguments)
                : $"ERR wrong number of arguments for '{command.Name.ToLowerInvariant()}' command");
        }
        else if (SubscriptionCount > 0 && !IsResp3 && !command.Flags.HasFlag(CommandFlags.Subscriber))
        {
            Reply.Error(
                $"ERR Can't execute '{command.Name.ToLowerInvariant()}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET " +
                "are allowed in this context");
        }
        else if (Queue is not null && (command.Flags & CommandFlags.Immediate) == 0)
        {
            Queue.Add(new QueuedCommand(command, source.ToArray(), arguments.ToArray()));
            Reply.Simple("QUEUED"u8);
        }
        else
        {
            service.Run(new Call(service, this, command, source, arguments, Reply));
            service.Blocked.Serve();
        }
    }

    private static string Unknown(ReadOnlySpan<byte> source, ReadOnlySpan<Argument> arguments)
    {
        const int Shown = 128;
        var text = new StringBuilder("ERR unknown command '").Append(Text(source, arguments[0])).Append("', with args beginning with: ");
        for (var i = 1; i < arguments.Length && text.Length < Shown; i++)
        {
            text.Append('\'').Append(Text(source, arguments[i])).Append("' ");
        }

        return text.ToString();

        static string Text(ReadOnlySpan<byte> source, Argument argument) =>
            Encoding.UTF8.GetString(source.Slice(argument.Start, Math.Min(argument.Length, Shown)));
    }

    private void Fail(string message)
    {
        Reply.Error("ERR " + message);
        IsClosing = true;
        _hasFailed = true;
    }

    /// <summary>
    /// Reads on for a while and does not look at it: to close a connection that has unread input resets it, and the client might never see
    /// what was wrong.
    /// </summary>
    private async Coroutine LingerAsync()
    {
        await connection.CompleteOutputAsync();
        await CancelScope.Run(
            async _ =>
            {
                while (await connection.Input.ReadAsync() is { IsCompleted: false } read)
                {
                    connection.Input.AdvanceTo(read.Buffer.End);
                }
            },
            LingerTime);
    }

    private void Leave()
    {
        _isReading = false;
        service.PubSub.RemoveAll(this);
        EndTransaction();
        if (Waiting is { } waiting)
        {
            service.Blocked.End(waiting);
        }

        if (_reply is not null)
        {
            service.Return(_reply);
            _reply = null;
        }

        if (_rest is not null)
        {
            service.Return(_rest);
            _rest = null;
        }
    }
}

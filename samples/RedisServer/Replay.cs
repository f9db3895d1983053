using System.Text;

namespace RedisServer;

/// <summary>Carries out what stands in an append-only file. A transaction is carried out when its end has come.</summary>
internal sealed class Replay(RedisService service)
{
    private readonly RequestParser _parser = new();
    private readonly RespWriter _rest = new();
    private readonly RespWriter _reply = new();
    private List<QueuedCommand>? _queue;

    /// <summary>Where the next command begins, in bytes from the start of the file.</summary>
    public long Position { get; private set; }

    /// <summary>Up to where the file holds nothing but complete commands and transactions.</summary>
    public long CompleteLength { get; private set; }

    public long Count { get; private set; }

    public void Take(ReadOnlySpan<byte> piece)
    {
        _rest.Append(piece);
        var all = _rest.WrittenSpan;
        var taken = 0;
        while (taken < all.Length)
        {
            if (all[taken] != '*')
            {
                throw new ProtocolException($"expected '*', got byte {all[taken]}");
            }

            if (!_parser.TryParse(all[taken..]))
            {
                break;
            }

            CarryOut(all.Slice(taken, _parser.Length));
            taken += _parser.Length;
            Position += _parser.Length;
            if (_queue is null)
            {
                CompleteLength = Position;
            }
        }

        _rest.RemoveFront(taken);
    }

    private void CarryOut(ReadOnlySpan<byte> source)
    {
        if (_parser.Arguments.IsEmpty)
        {
            throw new ProtocolException("a command without a name");
        }

        var name = source.Slice(_parser.Arguments[0].Start, _parser.Arguments[0].Length);
        var command = CommandTable.Find(name);
        if (command is null || !command.Accepts(_parser.Arguments.Length))
        {
            throw new CommandException($"'{Encoding.UTF8.GetString(name)}' is no command with {_parser.Arguments.Length - 1} arguments");
        }

        Count++;
        switch (command.Name)
        {
            case "SELECT":
                // As Redis begins its files; there is one database only, which the command checks.
                Run(new Call(service, null, command, source, _parser.Arguments, _reply));
                break;
            case "MULTI" when _queue is null:
                _queue = [];
                break;
            case "EXEC" when _queue is not null:
                foreach (var queued in _queue)
                {
                    Run(new Call(service, null, queued.Command, queued.Source, queued.Arguments, _reply));
                }

                _queue = null;
                break;
            case var _ when !command.Flags.HasFlag(CommandFlags.Write):
                throw new CommandException($"{command.Name} has no place here");
            case var _ when _queue is not null:
                _queue.Add(new QueuedCommand(command, source.ToArray(), _parser.Arguments.ToArray()));
                break;
            default:
                Run(new Call(service, null, command, source, _parser.Arguments, _reply));
                break;
        }
    }

    private void Run(in Call call)
    {
        _reply.Clear();
        service.Run(call);
        if (_reply.WrittenSpan.StartsWith("-"u8))
        {
            throw new CommandException($"{call.Command.Name} fails with {Encoding.UTF8.GetString(_reply.WrittenSpan[1..]).TrimEnd()}");
        }
    }
}

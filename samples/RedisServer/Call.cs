using System.Text;

namespace RedisServer;

/// <summary>Carries a command out.</summary>
internal delegate void CommandHandler(in Call call);

/// <summary>A command that is being carried out: its arguments, where they were received, and where the reply goes.</summary>
internal readonly ref struct Call(
    RedisService service, Client? client, Command command, ReadOnlySpan<byte> source, ReadOnlySpan<Argument> arguments, RespWriter reply)
{
    private readonly ReadOnlySpan<byte> _source = source;
    private readonly ReadOnlySpan<Argument> _arguments = arguments;

    public RedisService Service { get; } = service;

    public Database Database => Service.Database;

    /// <summary>Who has sent it.</summary>
    public Client Client => client ?? throw new CommandException($"ERR {Command.Name} has no place in an append-only file");

    public Command Command { get; } = command;

    public RespWriter Reply { get; } = reply;

    /// <summary>How many arguments there are, with the name, which is the first.</summary>
    public int Count => _arguments.Length;

    public ReadOnlySpan<byte> this[int index] => _source.Slice(_arguments[index].Start, _arguments[index].Length);

    public ReadOnlySpan<byte> Key => this[1];

    /// <summary>Whether an argument is a word, in whatever case.</summary>
    public bool Is(int index, ReadOnlySpan<byte> word) => Ascii.EqualsIgnoreCase(this[index], word);

    public string Text(int index) => Encoding.UTF8.GetString(this[index]);

    public long Integer(int index) =>
        Numbers.TryParse(this[index], out long value) ? value : throw new CommandException(CommandException.NotAnInteger);

    public int Index(int index) => (int)Math.Clamp(Integer(index), int.MinValue, int.MaxValue);

    public double Float(int index) =>
        Numbers.TryParse(this[index], out double value) ? value : throw new CommandException(CommandException.NotAFloat);

    /// <summary>Notes that the command has changed a key.</summary>
    public void Changed(ReadOnlySpan<byte> key) => Database.Changed(key);

    /// <summary>The error for a command that has too few or too many arguments.</summary>
    public CommandException WrongCount() => new($"ERR wrong number of arguments for '{Command.Name.ToLowerInvariant()}' command");

    /// <summary>Adds the command to a log, as it came.</summary>
    public void CopyTo(RespWriter log)
    {
        log.Array(Count);
        for (var i = 0; i < Count; i++)
        {
            log.Bulk(this[i]);
        }
    }
}

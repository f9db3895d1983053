using System.Text;

namespace RedisServer;

/// <summary>A command.</summary>
/// <param name="Name">Its name, in upper case.</param>
/// <param name="Arity">How many arguments it has with the name; negative for that many or more.</param>
/// <param name="Handler">What carries it out.</param>
/// <param name="Flags">What is to be known of it.</param>
internal sealed record Command(string Name, int Arity, CommandHandler Handler, CommandFlags Flags)
{
    public bool Accepts(int count) => Arity < 0 ? count >= -Arity : count == Arity;
}

[Flags]
internal enum CommandFlags
{
    None = 0,

    /// <summary>May change keys.</summary>
    Write = 1,

    /// <summary>Is carried out at once within MULTI.</summary>
    Immediate = 2,

    /// <summary>Is allowed to a subscriber.</summary>
    Subscriber = 4,

    /// <summary>Has no key.</summary>
    NoKey = 8,
}

/// <summary>The commands by name.</summary>
internal static class CommandTable
{
    private static readonly Dictionary<byte[], Command> Commands = new(BytesComparer.Instance);

    static CommandTable()
    {
        StringCommands.Register(Add);
        CounterCommands.Register(Add);
        KeyCommands.Register(Add);
        ListCommands.Register(Add);
        HashCommands.Register(Add);
        SetCommands.Register(Add);
        SortedSetCommands.Register(Add);
        PubSubCommands.Register(Add);
        TransactionCommands.Register(Add);
        ServerCommands.Register(Add);
    }

    public delegate void AddCommand(string name, int arity, CommandHandler handler, CommandFlags flags = CommandFlags.None);

    public static IReadOnlyCollection<Command> All => Commands.Values;

    public static Command? Find(ReadOnlySpan<byte> name)
    {
        const int Longest = 24;
        Span<byte> upper = stackalloc byte[Longest];
        return name.Length <= Longest
            && Ascii.ToUpper(name, upper, out var length) == System.Buffers.OperationStatus.Done
            && Commands.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(upper[..length], out var command) ? command : null;
    }

    private static void Add(string name, int arity, CommandHandler handler, CommandFlags flags) =>
        Commands.Add(Encoding.ASCII.GetBytes(name), new Command(name, arity, handler, flags));
}

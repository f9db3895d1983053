using System.Buffers.Text;
using System.Text;

namespace RedisServer;

/// <summary>INCR and its kin.</summary>
internal static class CounterCommands
{
    private const int LongestNumber = 24;

    public static void Register(CommandTable.AddCommand add)
    {
        add("INCR", 2, static (in Call call) => Add(call, 1), CommandFlags.Write);
        add("DECR", 2, static (in Call call) => Add(call, -1), CommandFlags.Write);
        add("INCRBY", 3, static (in Call call) => Add(call, call.Integer(2)), CommandFlags.Write);
        add("DECRBY", 3, DecrBy, CommandFlags.Write);
        add("INCRBYFLOAT", 3, IncrByFloat, CommandFlags.Write);
    }

    /// <summary>Adds to a number that is stored as text.</summary>
    public static long Sum(ReadOnlySpan<byte> stored, long delta, string notANumber)
    {
        if (!Numbers.TryParse(stored, out long value))
        {
            throw new CommandException(notANumber);
        }

        try
        {
            return checked(value + delta);
        }
        catch (OverflowException)
        {
            throw new CommandException(CommandException.Overflow);
        }
    }

    private static void DecrBy(in Call call)
    {
        var delta = call.Integer(2);
        Add(call, delta == long.MinValue ? throw new CommandException("ERR decrement would overflow") : -delta);
    }

    private static void Add(in Call call, long delta)
    {
        var before = call.Database.Find<byte[]>(call.Key);
        var sum = Sum(before ?? "0"u8, delta, CommandException.NotAnInteger);
        Span<byte> text = stackalloc byte[LongestNumber];
        Utf8Formatter.TryFormat(sum, text, out var length);
        call.Database.SetString(call.Key, text[..length]);
        call.Changed(call.Key);
        call.Reply.Integer(sum);
    }

    /// <summary>Logged as what came of it: sums of fractions need not come out the same everywhere.</summary>
    private static void IncrByFloat(in Call call)
    {
        var before = call.Database.Find<byte[]>(call.Key);
        call.Float(2);
        var sum = Numbers.Add(before ?? "0"u8, call[2]) ?? throw new CommandException("ERR increment would produce NaN or Infinity");
        var text = Encoding.ASCII.GetBytes(sum);
        call.Database.Set(call.Key, text);
        call.Changed(call.Key);
        call.Service.Journal?.Rewrite("SET"u8, call.Key, text, "KEEPTTL"u8);
        call.Reply.Bulk(text);
    }
}

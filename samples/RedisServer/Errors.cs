namespace RedisServer;

/// <summary>A command cannot be carried out; the message is the error reply. Thrown before anything was changed.</summary>
internal sealed class CommandException(string message) : Exception(message)
{
    public const string Syntax = "ERR syntax error";
    public const string NotAnInteger = "ERR value is not an integer or out of range";
    public const string NotAFloat = "ERR value is not a valid float";
    public const string WrongType = "WRONGTYPE Operation against a key holding the wrong kind of value";
    public const string Overflow = "ERR increment or decrement would overflow";
    public const string NoSuchKey = "ERR no such key";
    public const string OutOfRange = "ERR index out of range";
}

/// <summary>What came is not the protocol, so nobody can tell where the next command would begin.</summary>
internal sealed class ProtocolException(string message) : Exception("Protocol error: " + message);

/// <summary>The append-only file is damaged.</summary>
internal sealed class DamagedFileException(string message) : Exception(message);

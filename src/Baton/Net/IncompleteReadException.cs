namespace Baton;

/// <summary>The stream ended before everything was there that was asked for. Corresponds to <c>asyncio.IncompleteReadError</c>.</summary>
public sealed class IncompleteReadException : EndOfStreamException
{
    /// <summary>Creates an exception.</summary>
    /// <param name="partial">The bytes that were there.</param>
    /// <param name="expected">How many were asked for; null where that is not known, as for a delimiter.</param>
    public IncompleteReadException(ReadOnlyMemory<byte> partial, int? expected)
        : base(expected is null
            ? $"The stream ended after {partial.Length} bytes, before the delimiter came."
            : $"The stream ended after {partial.Length} of {expected} bytes.")
    {
        Partial = partial;
        Expected = expected;
    }

    /// <summary>The bytes that were there. They are consumed.</summary>
    public ReadOnlyMemory<byte> Partial { get; }

    /// <summary>How many bytes were asked for; null where that is not known, as for a delimiter.</summary>
    public int? Expected { get; }
}

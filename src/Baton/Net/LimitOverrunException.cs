namespace Baton;

/// <summary>
/// The delimiter did not come within the limit. The bytes stay in the reader's buffer, to be read in another way. Corresponds to
/// <c>asyncio.LimitOverrunError</c>.
/// </summary>
public sealed class LimitOverrunException : IOException
{
    /// <summary>Creates an exception.</summary>
    /// <param name="message">What was too long.</param>
    /// <param name="consumed">How many bytes do not contain the delimiter.</param>
    public LimitOverrunException(string message, int consumed)
        : base(message)
    {
        Consumed = consumed;
    }

    /// <summary>How many bytes from the start of the buffer do not contain the delimiter, so that they can be skipped.</summary>
    public int Consumed { get; }
}

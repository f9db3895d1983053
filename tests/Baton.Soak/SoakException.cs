namespace Baton.Soak;

/// <summary>Something that must not be: what was received is not what was sent, or the like.</summary>
public sealed class SoakException : Exception
{
    /// <summary>Creates the exception.</summary>
    public SoakException(string message)
        : base(message)
    {
    }

    /// <summary>Creates the exception, with what it came from.</summary>
    public SoakException(string message, Exception? inner)
        : base(message, inner)
    {
    }

    /// <summary>Throws unless something holds.</summary>
    public static void ThrowUnless(bool condition, string message)
    {
        if (!condition)
        {
            throw new SoakException(message);
        }
    }
}

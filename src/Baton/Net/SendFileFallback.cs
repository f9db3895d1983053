namespace Baton;

/// <summary>
/// What sending a file does where the system cannot do it by itself. Corresponds to <c>fallback</c> of <c>loop.sendfile</c>.
/// </summary>
public enum SendFileFallback
{
    /// <summary>The file is read, on threads for files, and what was read is sent.</summary>
    Allowed,

    /// <summary>It fails, with <see cref="NotSupportedException"/> and nothing sent.</summary>
    Forbidden,
}

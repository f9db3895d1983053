namespace Baton;

/// <summary>What an <see cref="IoSocket"/> stands for.</summary>
public enum IoSocketKind
{
    /// <summary>A socket.</summary>
    Socket,

    /// <summary>An end of a pipe or FIFO.</summary>
    Pipe,

    /// <summary>A terminal: either end of a pseudo terminal, a serial line, or the console.</summary>
    Terminal,

    /// <summary>Another device, such as <c>/dev/null</c>, or what the system has no name for in the file system.</summary>
    Device,

    /// <summary>A regular file, which is always ready.</summary>
    File,
}

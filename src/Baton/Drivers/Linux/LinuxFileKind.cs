namespace Baton.Drivers;

/// <summary>What a descriptor stands for, as far as a loop cares.</summary>
public enum LinuxFileKind
{
    /// <summary>A regular file, a directory, or a block device: always ready, so that there is nothing to wait for.</summary>
    AlwaysReady,

    /// <summary>A pipe or FIFO.</summary>
    Pipe,

    /// <summary>A character device other than those of <see cref="Terminal"/>; it may be a terminal all the same.</summary>
    CharacterDevice,

    /// <summary>
    /// A terminal which, opened again, is the same: not the end that controls a pseudo terminal, which would be a new one.
    /// </summary>
    Terminal,

    /// <summary>A socket.</summary>
    Socket,

    /// <summary>What has no name in the file system: event descriptors, timers, processes.</summary>
    Anonymous,
}

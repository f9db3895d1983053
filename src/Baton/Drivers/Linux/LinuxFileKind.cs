namespace Baton.Drivers;

/// <summary>What a descriptor stands for, as far as a loop cares.</summary>
public enum LinuxFileKind
{
    /// <summary>A regular file, a directory, or a block device: always ready, so that there is nothing to wait for.</summary>
    AlwaysReady,

    /// <summary>A pipe or FIFO.</summary>
    Pipe,

    /// <summary>A terminal or another character device.</summary>
    CharacterDevice,

    /// <summary>A socket.</summary>
    Socket,

    /// <summary>What has no name in the file system: event descriptors, timers, processes.</summary>
    Anonymous,
}

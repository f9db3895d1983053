namespace Baton;

/// <summary>What kind of file something is.</summary>
public enum FileKind
{
    /// <summary>None of the others.</summary>
    Other,

    /// <summary>A regular file: bytes on a disk, or in memory.</summary>
    Regular,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A symbolic link.</summary>
    SymbolicLink,

    /// <summary>A pipe, with a name or without.</summary>
    Pipe,

    /// <summary>A local socket.</summary>
    Socket,

    /// <summary>A device of characters, such as a terminal.</summary>
    CharacterDevice,

    /// <summary>A device of blocks, such as a disk.</summary>
    BlockDevice,
}

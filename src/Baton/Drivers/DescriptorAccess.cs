namespace Baton.Drivers;

/// <summary>Which directions a descriptor is to have, and whether a loop can work with it at all.</summary>
internal static class DescriptorAccess
{
    /// <exception cref="ArgumentException">It is of a kind that no loop can wait for, or has none of the directions wanted.</exception>
    internal static FileAccess Of(int descriptor, IoSocketKind kind, FileAccess access, FileAccess wanted)
    {
        if (kind == IoSocketKind.File)
        {
            throw new ArgumentException(
                $"Descriptor {descriptor} is neither a pipe nor a terminal nor a socket. A regular file or directory is always ready, so " +
                "that there is nothing to wait for: use LoopFile.");
        }

        return (access & wanted) is not 0 and var both
            ? both
            : throw new ArgumentException($"Descriptor {descriptor} was opened for {Text(access)}, not for {Text(wanted)}.");
    }

    private static string Text(FileAccess access) => access switch
    {
        FileAccess.Read => "reading",
        FileAccess.Write => "writing",
        _ => "reading and writing",
    };
}

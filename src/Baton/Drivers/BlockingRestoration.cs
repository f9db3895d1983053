namespace Baton.Drivers;

/// <summary>
/// An open file that was made non-blocking and is to be blocking again for those who share it, once nobody here works with it any more:
/// standard input and output may be one file, adopted twice, by two loops even.
/// </summary>
internal sealed class BlockingRestoration
{
    private static readonly Dictionary<(FileIdentity File, FileAccess Access), BlockingRestoration> s_current = [];

    private readonly (FileIdentity File, FileAccess Access) _key;
    private int _users = 1;

    private BlockingRestoration((FileIdentity File, FileAccess Access) key) => _key = key;

    /// <summary>For one that was blocking until now. It is another open file than those that were made non-blocking before.</summary>
    internal static BlockingRestoration Begin(FileIdentity file, FileAccess access)
    {
        lock (s_current)
        {
            return s_current[(file, access)] = new BlockingRestoration((file, access));
        }
    }

    /// <summary>For one that was found to be non-blocking: whether we have made it so.</summary>
    internal static BlockingRestoration? Join(FileIdentity file, FileAccess access)
    {
        lock (s_current)
        {
            if (s_current.TryGetValue((file, access), out var current))
            {
                current._users++;
            }

            return current;
        }
    }

    /// <summary>Ends one use; true where it was the last, and the file is to be made blocking.</summary>
    internal bool End()
    {
        lock (s_current)
        {
            if (--_users > 0)
            {
                return false;
            }

            if (s_current.TryGetValue(_key, out var current) && ReferenceEquals(current, this))
            {
                s_current.Remove(_key);
            }

            return true;
        }
    }
}

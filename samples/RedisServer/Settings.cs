namespace RedisServer;

/// <summary>What the command line says.</summary>
internal sealed record Settings
{
    /// <summary>Where to listen; null for every interface.</summary>
    public string? Host { get; init; }

    public int Port { get; init; }

    /// <summary>Whether changes are kept in a file.</summary>
    public bool AppendOnly { get; init; }

    public string Directory { get; init; } = ".";

    public FsyncPolicy Fsync { get; init; } = FsyncPolicy.EverySec;

    /// <summary>How much may wait to be sent to a subscriber, in bytes, before it is disconnected.</summary>
    public long OutputLimit { get; init; }
}

/// <summary>When the append-only file is flushed to the device.</summary>
internal enum FsyncPolicy
{
    /// <summary>Before anybody is answered.</summary>
    Always,

    /// <summary>Once a second.</summary>
    EverySec,

    /// <summary>When the system sees fit.</summary>
    No,
}

namespace Baton.Tests;

// Files that are sent.
public sealed partial class ScriptedCalls
{
    /// <summary>Called with the socket, the offset and the count; of a positive result the most bytes that are sent.</summary>
    public Func<int, long, int, int?>? OnSendFile { get; set; }

    /// <summary>The length of a file that nobody reads and nobody gets: it all counts as sent. None where 0.</summary>
    public long FileLength { get; set; }

    public override int SendFile(int descriptor, int file, long offset, int count) => OnSendFile?.Invoke(descriptor, offset, count) switch
    {
        null when FileLength > 0 => (int)Math.Min(count, Math.Max(0, FileLength - offset)),
        null => base.SendFile(descriptor, file, offset, count),
        < 0 and var error => error,
        { } most => base.SendFile(descriptor, file, offset, Math.Min(most, count)),
    };
}

namespace Baton;

/// <summary>
/// The flow control of a transport's output: compares what is queued with two limits, and tells the protocol. Corresponds to asyncio's flow
/// control mix-in.
/// </summary>
internal struct WriteLimits
{
    private const int DefaultHigh = 64 * 1024;

    public WriteLimits() => Set(null, null);

    internal int High { get; private set; }

    internal int Low { get; private set; }

    private bool _isPaused;

    internal void Set(int? high, int? low)
    {
        var newHigh = high ?? (low is { } given ? (int)Math.Min(4L * given, int.MaxValue) : DefaultHigh);
        var newLow = low ?? newHigh / 4;
        if (newLow < 0 || newHigh < newLow)
        {
            throw new ArgumentOutOfRangeException(
                nameof(high), $"The limits of a write buffer must be so: high ≥ low ≥ 0. These are high {newHigh} and low {newLow}.");
        }

        High = newHigh;
        Low = newLow;
    }

    /// <summary>Tells the protocol to stop where too much is queued.</summary>
    internal void Pause(BaseTransport transport, long size)
    {
        if (_isPaused || size <= High)
        {
            return;
        }

        _isPaused = true;
        try
        {
            transport.Protocol.PauseWriting();
        }
        catch (Exception exception)
        {
            transport.Report("PauseWriting", exception);
        }
    }

    /// <summary>Whether the protocol has to be told to go on.</summary>
    internal readonly bool MustResume(long size) => _isPaused && size <= Low;

    /// <summary>Tells the protocol to go on where that little is queued.</summary>
    internal void Resume(BaseTransport transport, long size)
    {
        if (!MustResume(size))
        {
            return;
        }

        _isPaused = false;
        try
        {
            transport.Protocol.ResumeWriting();
        }
        catch (Exception exception)
        {
            transport.Report("ResumeWriting", exception);
        }
    }
}

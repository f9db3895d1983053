namespace Baton.Drivers;

/// <summary>
/// A wait of <see cref="PortablePoller"/> for one descriptor, once each time that it is armed. What it was told is in the driver's queue
/// until the loop takes it.
/// </summary>
internal abstract class PollEntry : IPortableCompletion
{
    /// <summary>Where it stands; changed with the poller's lock held.</summary>
    internal enum State : byte
    {
        Idle,
        Armed,
        Posted,
    }

    public IPortableCompletion? Next { get; set; }

    internal int Descriptor { get; set; }

    /// <summary>What to wait for, as POLLIN and so on; errors and hang-ups are told in any case.</summary>
    internal short Events { get; set; }

    /// <summary>What there was.</summary>
    internal short Returned { get; set; }

    internal State Current { get; set; }

    /// <summary>The number of the arming: what was polled for before it does not count.</summary>
    internal long Sequence { get; set; }

    /// <summary>Whether it was disarmed after its outcome had been posted, which then reaches nobody.</summary>
    internal bool IsDropped { get; set; }

    public void Deliver()
    {
        Current = State.Idle;
        if (IsDropped)
        {
            IsDropped = false;
            OnDropped();
            return;
        }

        OnReady();
    }

    public abstract void Abandon();

    /// <summary>On the loop thread: something of what it waited for is there.</summary>
    protected abstract void OnReady();

    /// <summary>An outcome that nobody wanted any more has come: it may be armed again.</summary>
    protected abstract void OnDropped();
}

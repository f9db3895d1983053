namespace Baton.Drivers;

/// <summary>A watch of <see cref="PortableDriver"/>: armed for one telling at a time, which makes it level-triggered.</summary>
internal sealed class PortableWatch(PortableDriver driver, IoWatch watch) : PollEntry
{
    private const short PollIn = 1;
    private const short PollPriority = 2;
    private const short PollOut = 4;
    private const short Failing = 8 | 16; // POLLERR | POLLHUP
    private const short Invalid = 32; // POLLNVAL

    internal IoWatch Watch => watch;

    /// <summary>Has it told of what is watched for now, whatever it was armed for before.</summary>
    internal void Arm()
    {
        if (!driver.Poller.Disarm(this))
        {
            // What it has been told is in the queue; it is armed again when that has come.
            return;
        }

        driver.Poller.Arm(this, watch.Descriptor, EventsOf(watch.Interest));
    }

    public override void Abandon() => driver.OnAbandoned();

    protected override void OnReady()
    {
        if ((Returned & Invalid) != 0)
        {
            // The descriptor was closed behind our back. Whoever has the number next says so.
            return;
        }

        var readiness = ((Returned & (PollIn | PollPriority | Failing)) != 0 ? IoReadiness.Readable : IoReadiness.None)
            | ((Returned & (PollOut | Failing)) != 0 ? IoReadiness.Writable : IoReadiness.None);
        readiness &= watch.Interest;
        driver.RearmLater(this);
        if (readiness != IoReadiness.None)
        {
            watch.OnReady(readiness);
        }
    }

    protected override void OnDropped()
    {
        if (watch.Interest != IoReadiness.None)
        {
            driver.RearmLater(this);
        }
    }

    private static short EventsOf(IoReadiness interest) => (short)(
        ((interest & IoReadiness.Readable) != 0 ? PollIn | PollPriority : 0) | ((interest & IoReadiness.Writable) != 0 ? PollOut : 0));
}

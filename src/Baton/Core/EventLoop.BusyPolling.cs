namespace Baton;

// Asking again and again instead of waiting. The loop does not say that it sleeps meanwhile, so other threads do not wake the driver: what
// they post is seen in the inbox.
public sealed partial class EventLoop
{
    /// <summary>
    /// So often the driver is asked while the clock stands still. A clock of the machine moves in that time; any other is moved by somebody
    /// who may be waiting for this loop.
    /// </summary>
    private const int PollsWithoutTime = 1000;

    private readonly long _busyPoll;

    /// <summary>Asks the driver until there is something to do, or the time for that is over.</summary>
    /// <param name="timeout">How long the loop may wait; negative without limit.</param>
    /// <returns>How long it may wait from then on: not at all where there is something to do.</returns>
    private long PollBusily(long timeout)
    {
        var limit = timeout < 0 ? _busyPoll : Math.Min(timeout, _busyPoll);
        var start = _clock.Now;
        var last = start;
        var standing = 0;
        LeaveTask();
        while (true)
        {
            _driver.Poll(0);
            DrainInbox();
            if (_ready.Count > 0 || _stopRequested || _beforePoll.Count > 0)
            {
                return 0;
            }

            var now = _clock.Now;
            if (now - start >= limit)
            {
                return timeout < 0 ? timeout : Math.Max(0, timeout - (now - start));
            }

            standing = now == last ? standing + 1 : 0;
            if (standing == PollsWithoutTime)
            {
                return timeout < 0 ? timeout : timeout - (now - start);
            }

            last = now;
        }
    }
}

namespace Baton;

public abstract partial class LoopClock
{
    /// <summary>
    /// A clock that a <see cref="TimeProvider"/> drives: give a loop the provider of a test, and its timers fire when the test moves that
    /// on. The opposite of <see cref="EventLoop.TimeProvider"/>.
    /// </summary>
    /// <remarks>
    /// A loop that waits in its driver waits by the machine's clock, and would not notice that the provider has jumped. So before each wait
    /// a timer of the provider's is set, which wakes the loop; the provider has to have working timers. The loop then goes on on its own
    /// thread: moving the provider does not wait for what the loop does.
    /// </remarks>
    /// <param name="provider">The provider: its time stamps for the timers, its time of day for <see cref="UtcNow"/>.</param>
    public static LoopClock FromTimeProvider(TimeProvider provider)
    {
        ArgumentNullException.ThrowIfNull(provider);
        return new TimeProviderClock(provider);
    }
}

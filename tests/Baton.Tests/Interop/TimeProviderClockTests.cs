namespace Baton.Tests.Interop;

/// <summary>Loops whose clock is driven by a provider of time that a test moves.</summary>
public class TimeProviderClockTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Fact]
    public void It_reads_the_provider() => LoopTest.OnThread(() =>
    {
        var provider = new ManualTimeProvider(Start);
        var clock = LoopClock.FromTimeProvider(provider);
        var now = clock.Now;
        Assert.Equal(Start, clock.UtcNow);
        provider.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1_000_000_000, clock.Now - now);
        Assert.Equal(Start + TimeSpan.FromSeconds(1), clock.UtcNow);
        Assert.Throws<ArgumentNullException>(() => LoopClock.FromTimeProvider(null!));
    });

    [Fact]
    public void It_takes_the_machines_as_well() => LoopTest.OnThread(() =>
    {
        Assert.SkipUnless(LoopTest.HasDefaultDriver(), "There is no default driver on this platform.");
        var options = new EventLoopOptions { Clock = LoopClock.FromTimeProvider(TimeProvider.System), HandleSignals = false };
        EventLoop.Run(() => Coroutine.Sleep(TimeSpan.FromMilliseconds(3)), options);
    });

    [Fact]
    public void A_loop_that_waits_notices_when_another_thread_moves_the_provider() => LoopTest.OnThread(() =>
    {
        Assert.SkipUnless(LoopTest.HasDefaultDriver(), "There is no default driver on this platform.");
        var provider = new ManualTimeProvider(Start);
        using var waiting = new AutoResetEvent(false);
        provider.TimerSet = () => waiting.Set();
        var options = new EventLoopOptions { Clock = LoopClock.FromTimeProvider(provider) };
        using (var thread = EventLoopThread.Start(new EventLoopThreadOptions { Loop = options }))
        {
            for (var round = 0; round < 20; round++)
            {
                var sleep = thread.Run(() => Coroutine.Sleep(TimeSpan.FromHours(1)));
                LoopTest.Await(waiting);
                provider.Advance(TimeSpan.FromMinutes(59));
                Assert.False(sleep.IsCompleted);
                provider.Advance(TimeSpan.FromMinutes(1));
                Assert.True(sleep.Wait(60_000), "The loop did not wake up.");
                waiting.Reset();
            }

            // One timer for each loop, used again and again.
            Assert.Equal(1, provider.Timers);
        }

        Assert.Equal(0, provider.Timers);
    });

    [Fact]
    public void A_provider_that_moves_while_the_loop_goes_to_sleep_is_noticed() => LoopTest.OnThread(() =>
    {
        Assert.SkipUnless(LoopTest.HasDefaultDriver(), "There is no default driver on this platform.");
        var provider = new ManualTimeProvider(Start);
        using var waiting = new AutoResetEvent(false);
        var hasJumped = false;

        // Right after the loop has set its timer to an hour: one that fires in 119 minutes is of no use.
        provider.TimerSet = () =>
        {
            if (!hasJumped)
            {
                hasJumped = true;
                provider.Advance(TimeSpan.FromMinutes(59));
                return;
            }

            waiting.Set();
        };
        using var thread = EventLoopThread.Start(
            new EventLoopThreadOptions { Loop = new EventLoopOptions { Clock = LoopClock.FromTimeProvider(provider) } });
        var sleep = thread.Run(() => Coroutine.Sleep(TimeSpan.FromHours(1)));
        LoopTest.Await(waiting);
        provider.Advance(TimeSpan.FromMinutes(1));
        Assert.True(sleep.Wait(60_000), "The loop did not wake up.");
    });

    [Fact]
    public void A_provider_that_gets_to_the_deadline_while_the_loop_goes_to_sleep_is_noticed() => LoopTest.OnThread(() =>
    {
        Assert.SkipUnless(LoopTest.HasDefaultDriver(), "There is no default driver on this platform.");
        var provider = new ManualTimeProvider(Start);
        provider.TimerSet = () =>
        {
            provider.TimerSet = null;
            provider.Advance(TimeSpan.FromHours(1));
        };
        var options = new EventLoopOptions { Clock = LoopClock.FromTimeProvider(provider), HandleSignals = false };
        EventLoop.Run(() => Coroutine.Sleep(TimeSpan.FromHours(1)), options);
    });

    [Fact]
    public void A_test_on_the_loop_moves_the_provider_itself() => LoopTest.OnThread(() =>
    {
        var provider = new ManualTimeProvider(Start);
        var options = new EventLoopOptions
        {
            Driver = new VirtualDriver(),
            Clock = LoopClock.FromTimeProvider(provider),
            HandleSignals = false,
        };
        EventLoop.Run(
            async Coroutine () =>
            {
                var sleep = Coroutine.Start(Coroutine.Sleep(TimeSpan.FromDays(1)));
                await Coroutine.Yield();
                provider.Advance(TimeSpan.FromDays(1));
                await sleep;
                Assert.Equal(Start + TimeSpan.FromDays(1), EventLoop.Current.TimeProvider.GetUtcNow());
            },
            options);
    });
}

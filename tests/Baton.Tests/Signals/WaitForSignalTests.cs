using System.Runtime.InteropServices;

namespace Baton.Tests.Signals;

[Collection(nameof(OwnSignalsCollection))]
public class WaitForSignalTests
{
    [Fact]
    public void Returns_the_signal_that_came_first_and_leaves_the_others_alone() => NetTest.Run(async test =>
    {
        using var hangUp = new OwnSignals(PosixSignal.SIGHUP);
        using var user = new OwnSignals(LoopSignals.User1);
        var waiter = Coroutine.Start(test.Loop.WaitForSignalAsync((PosixSignal)1, LoopSignals.User1));
        await Coroutine.Yield();
        hangUp.Raise();
        user.Raise();
        Assert.Equal(PosixSignal.SIGHUP, await waiter);
        Assert.False(test.Loop.RemoveSignalHandler(PosixSignal.SIGHUP));
        Assert.False(test.Loop.RemoveSignalHandler(LoopSignals.User1));
    });

    [Fact]
    public void Cancelling_it_leaves_no_handler() => NetTest.Run(async test =>
    {
        using var own = new OwnSignals(LoopSignals.User1);
        var waiter = Coroutine.Start(test.Loop.WaitForSignalAsync(LoopSignals.User1));
        await Coroutine.Yield();
        waiter.Cancel();
        await NetTest.AssertCancelled(waiter);
        Assert.False(test.Loop.RemoveSignalHandler(LoopSignals.User1));
        own.Raise();
    });

    [Fact]
    public void A_signal_that_came_before_the_cancellation_is_delivered() => NetTest.Run(async test =>
    {
        using var own = new OwnSignals(LoopSignals.User1);
        var waiter = Coroutine.Start(test.Loop.WaitForSignalAsync(LoopSignals.User1));
        test.Loop.AddSignalHandler(LoopSignals.User2, () => { });
        await Coroutine.Yield();
        test.Loop.AddSignalHandler(LoopSignals.User1, () => waiter.Cancel());
        own.Raise();
        Assert.Equal(LoopSignals.User1, await waiter);
    });

    [Fact]
    public void Starts_no_handler_where_one_of_the_signals_cannot_be_handled() => NetTest.Run(async test =>
    {
        await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await test.Loop.WaitForSignalAsync(LoopSignals.User1, (PosixSignal)9));
        Assert.False(test.Loop.RemoveSignalHandler(LoopSignals.User1));
        await Assert.ThrowsAsync<ArgumentException>("signals", async () => await test.Loop.WaitForSignalAsync());
        await Assert.ThrowsAsync<ArgumentNullException>("signals", async () => await test.Loop.WaitForSignalAsync(null!));
    });
}

namespace Baton.Tests.Interop;

/// <summary>The loop's own synchronization context, as other threads and async void methods use it.</summary>
public class SynchronizationContextTests
{
    [Fact]
    public void It_is_the_one_that_callbacks_find() => LoopTest.On(test =>
    {
        SynchronizationContext? seen = null;
        test.Loop.CallSoon(() => seen = SynchronizationContext.Current);
        test.RunIterations(1);
        Assert.NotNull(seen);
        Assert.Same(seen, test.Loop.SynchronizationContext);
    });

    [Fact]
    public void Other_threads_post_and_send_to_the_loop() => LoopBeside.Run(loop =>
    {
        var log = new List<string>();
        var context = loop.SynchronizationContext;
        context.Post(_ => log.Add("posted"), null);
        context.Send(_ => log.Add(loop.IsOnLoopThread ? "sent" : "elsewhere"), null);
        Assert.Equal(["posted", "sent"], log);
    });

    [Fact]
    public void An_async_void_method_that_never_ended_is_reported_when_the_loop_closes() => LoopTest.On(test =>
    {
        test.Loop.CallSoon(() => Forget(test.Loop.CreateFuture()));
        test.Loop.CallSoon(() => Forget(Done(test.Loop)));
        test.RunIterations(4);
        test.Loop.Dispose();
        Assert.StartsWith("1 call(s) of async void methods had not ended", test.TakeReport().Message, StringComparison.Ordinal);

        static async void Forget(Future future) => await future;

        static Future Done(EventLoop loop)
        {
            var future = loop.CreateFuture();
            future.SetResult();
            return future;
        }
    });
}

namespace Baton.Tests.Interop;

public class DedicatedThreadExecutorTests
{
    [Fact]
    public void Everything_runs_on_one_thread_in_order() => LoopTest.Run(async test =>
    {
        using var executor = new DedicatedThreadExecutor("database");
        var log = new List<int>();
        var threads = new HashSet<int>();
        var futures = Enumerable.Range(0, 200).Select(i => test.Loop.RunInExecutor(
            () =>
            {
                threads.Add(Environment.CurrentManagedThreadId);
                log.Add(i);
                return Thread.CurrentThread.Name;
            },
            executor)).ToList();
        foreach (var future in futures)
        {
            Assert.Equal("database", await future);
        }

        Assert.Equal(Enumerable.Range(0, 200), log);
        Assert.Single(threads);
        Assert.Equal(0, executor.RunningCount + executor.QueuedCount);
        Assert.Equal("Executor 'database'", executor.ToString());
        Assert.Equal("database", executor.Name);
    });

    [Fact]
    public void Several_threads_overlap() => LoopTest.OnThread(() =>
    {
        using var both = new Barrier(2);
        using var executor = new DedicatedThreadExecutor("pair", threadCount: 2);
        var names = new string?[2];
        for (var i = 0; i < 2; i++)
        {
            executor.Execute(
                index =>
                {
                    Assert.True(both.SignalAndWait(60_000));
                    names[(int)index!] = Thread.CurrentThread.Name;
                },
                i);
        }

        executor.Dispose();
        Assert.Equal(["pair-1", "pair-2"], names.Order());
        Assert.Throws<ArgumentOutOfRangeException>(() => new DedicatedThreadExecutor("none", 0));
    });

    [Fact]
    public void Disposing_ends_the_thread_after_what_was_taken() => LoopTest.OnThread(() =>
    {
        var executor = new DedicatedThreadExecutor("closing");
        Thread? thread = null;
        var done = 0;
        executor.Execute(_ => thread = Thread.CurrentThread, null);
        for (var i = 0; i < 10; i++)
        {
            executor.Execute(_ => done++, null);
        }

        executor.Dispose();
        Assert.Equal(10, done);
        Assert.True(thread!.Join(TimeSpan.FromSeconds(60)));
        Assert.True(executor.IsShutDown);
        Assert.True(executor.Shutdown().IsCompleted);
        Assert.Throws<InvalidOperationException>(() => executor.Execute(_ => { }, null));
        executor.Dispose();
    });

    [Fact]
    public void It_cannot_be_disposed_of_on_its_own_thread() => LoopTest.Run(async test =>
    {
        await using var executor = new DedicatedThreadExecutor("own");
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await test.Loop.RunInExecutor(executor.Dispose, executor));
        Assert.Contains("'own' cannot be disposed of on one of its own threads", exception.Message, StringComparison.Ordinal);
    });
}

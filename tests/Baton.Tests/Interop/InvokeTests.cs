namespace Baton.Tests.Interop;

#pragma warning disable xUnit2014 // These calls throw before there is a task.

/// <summary>Functions that other threads have the loop call.</summary>
public class InvokeTests
{
    [Fact]
    public void Another_thread_gets_the_result() => LoopBeside.Run(loop =>
    {
        Assert.Equal(7, loop.Invoke(() => loop.IsOnLoopThread ? 7 : 0));
        var ran = false;
        loop.Invoke(() => { ran = LoopTask.Current is null && SynchronizationContext.Current == loop.SynchronizationContext; });
        Assert.True(ran);
        Assert.Equal(8, loop.InvokeAsync(() => 8).GetAwaiter().GetResult());
        loop.InvokeAsync(() => { ran = false; }).GetAwaiter().GetResult();
        Assert.False(ran);
    });

    [Fact]
    public void Another_thread_gets_the_exception_with_its_stack() => LoopBeside.Run(loop =>
    {
        var exception = Assert.Throws<IOException>(() => { loop.Invoke(Fail); });
        Assert.Contains(nameof(Fail), exception.StackTrace, StringComparison.Ordinal);
        exception = Assert.Throws<IOException>(() => loop.InvokeAsync(Fail).GetAwaiter().GetResult());
        Assert.Contains(nameof(Fail), exception.StackTrace, StringComparison.Ordinal);

        static int Fail() => throw new IOException("on the loop");
    });

    [Fact]
    public void The_execution_context_flows_in() => LoopBeside.Run(loop =>
    {
        var local = new AsyncLocal<int> { Value = 5 };
        Assert.Equal(5, loop.Invoke(() => local.Value++));
        Assert.Equal(5, local.Value);
        Assert.Equal(5, loop.Invoke(() => local.Value));
    });

    [Fact]
    public void On_the_loop_it_is_called_right_there() => LoopTest.Run(async test =>
    {
        var task = LoopTask.Current;
        Assert.Same(task, test.Loop.Invoke(() => LoopTask.Current));
        Assert.Throws<IOException>(() => { test.Loop.Invoke(() => throw new IOException()); });

        // Not so the one that does not wait.
        var ran = false;
        var call = test.Loop.InvokeAsync(() => { ran = true; });
        Assert.False(ran);
        await call;
        Assert.True(ran);
    });

    [Fact]
    public void It_does_not_block_another_loop() => LoopBeside.Run(loop => LoopTest.Run(async test =>
    {
        var exception = Assert.Throws<InvalidOperationException>(() => loop.Invoke(() => 1));
        Assert.Contains("Await InvokeAsync instead", exception.Message, StringComparison.Ordinal);
        Assert.Equal(2, await loop.InvokeAsync(() => 2));
    }));

    [Fact]
    public void A_token_keeps_the_function_from_being_called() => LoopBeside.Run(loop =>
    {
        var task = loop.InvokeAsync(() => Assert.Fail("It ran."), new CancellationToken(true));
        Assert.ThrowsAny<OperationCanceledException>(() => task.GetAwaiter().GetResult());
        Assert.True(task.IsCanceled);
    });

    [Fact]
    public void An_asynchronous_function_is_refused() => LoopBeside.Run(loop =>
    {
        Assert.Throws<ArgumentException>(() => { loop.Invoke(async () => await Task.Yield()); });
        Assert.Throws<ArgumentException>(() => { loop.InvokeAsync(async () => await Task.Yield()); });
        Assert.Throws<ArgumentException>(() => { loop.InvokeAsync(() => Coroutine.FromResult(1)); });
        Assert.Throws<ArgumentNullException>(() => { loop.Invoke((Action)null!); });
        Assert.Throws<ArgumentNullException>(() => { loop.Invoke((Func<int>)null!); });
        Assert.Throws<ArgumentNullException>(() => { loop.InvokeAsync((Action)null!); });
        Assert.Throws<ArgumentNullException>(() => { loop.InvokeAsync((Func<int>)null!); });
    });

    [Fact]
    public void A_closed_loop_refuses_on_every_thread() => LoopTest.On(test =>
    {
        test.Loop.Dispose();
        Assert.Throws<InvalidOperationException>(() => test.Loop.Invoke(() => 1));
        Assert.Throws<InvalidOperationException>(() => { test.Loop.InvokeAsync(() => 1); });
        LoopTest.StartThread(() =>
        {
            Assert.Throws<InvalidOperationException>(() => test.Loop.Invoke(() => 1));
            Assert.Throws<InvalidOperationException>(() => { test.Loop.InvokeAsync(() => 1); });
        }).Join();
    });

    [Fact]
    public void Who_waits_when_the_loop_closes_gets_an_exception() => LoopTest.On(test =>
    {
        var waiting = test.Loop.InvokeAsync(() => 1);
        using var started = new ManualResetEvent(false);
        using var thread = LoopTest.StartThread(() =>
        {
            started.Set();
            Assert.Contains(
                "closed", Assert.Throws<InvalidOperationException>(() => test.Loop.Invoke(() => 1)).Message, StringComparison.Ordinal);
        });
        LoopTest.Await(started);
        test.Loop.Dispose();
        Assert.Throws<InvalidOperationException>(() => waiting.GetAwaiter().GetResult());
    });

    [Fact]
    public void Many_threads_hammer_a_loop() => LoopBeside.Run(loop =>
    {
        // Touched without a lock: the loop runs one at a time.
        var counter = 0;
        var threads = Enumerable.Range(0, 4).Select(number => LoopTest.StartThread(() =>
        {
            for (var i = 0; i < 500; i++)
            {
                Assert.Equal(i, loop.Invoke(() => Add(i)));
            }
        })).ToList();
        threads.ForEach(thread => thread.Join());
        Assert.Equal(2000, loop.Invoke(() => counter));

        int Add(int result)
        {
            counter++;
            return result;
        }
    });

    [Fact]
    public void Many_threads_hammer_a_loop_that_closes() => LoopTest.OnThread(() =>
    {
        for (var round = 0; round < 20; round++)
        {
            var thread = EventLoopThread.Start(new EventLoopThreadOptions { Loop = new EventLoopOptions { Driver = new VirtualDriver() } });
            using var start = new Barrier(4);
            var callers = Enumerable.Range(0, 3).Select(_ => LoopTest.StartThread(() =>
            {
                start.SignalAndWait();
                try
                {
                    for (var i = 0; i < 10_000; i++)
                    {
                        Assert.Equal(i, thread.Loop.Invoke(() => i));
                    }
                }
                catch (InvalidOperationException)
                {
                }
            })).ToList();
            start.SignalAndWait();
            thread.Dispose();
            callers.ForEach(caller => caller.Join());
        }
    });
}

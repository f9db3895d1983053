using System.IO.Pipelines;

namespace Baton.Tests.Interop;

/// <summary>The loop as a scheduler of pipes.</summary>
public class PipeSchedulerTests
{
    [Fact]
    public void Actions_run_on_the_loop_in_order_without_a_context() => LoopTest.Run(async test =>
    {
        var scheduler = test.Loop.PipeScheduler;
        Assert.Same(scheduler, test.Loop.PipeScheduler);
        var log = new List<object?>();
        for (var i = 0; i < 1000; i++)
        {
            scheduler.Schedule(Add, i);
        }

        Assert.Empty(log);
        await Coroutine.Yield();
        Assert.Equal(Enumerable.Range(0, 1000).Cast<object?>(), log);
        Assert.Throws<ArgumentNullException>(() => scheduler.Schedule(null!, null));

        void Add(object? number)
        {
            Assert.True(test.Loop.IsOnLoopThread);
            Assert.Null(SynchronizationContext.Current);
            Assert.Null(LoopTask.Current);
            log.Add(number);
        }
    });

    [Fact]
    public void Other_threads_schedule_too() => LoopTest.Run(async test =>
    {
        var done = test.Loop.CreateFuture();
        var count = 0;
        using var thread = LoopTest.StartThread(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                test.Loop.PipeScheduler.Schedule(
                    _ =>
                    {
                        if (++count == 1000)
                        {
                            done.SetResult();
                        }
                    },
                    null);
            }
        });
        await done;
    });

    [Fact]
    public void A_coroutine_that_an_action_starts_has_its_context() => LoopTest.Run(async test =>
    {
        var done = test.Loop.CreateFuture<bool>();
        test.Loop.PipeScheduler.Schedule(
            _ => Coroutine.Start(Body()),
            null);
        Assert.True(await done);

        async Coroutine Body()
        {
            await Task.Yield();
            done.SetResult(SynchronizationContext.Current is not null && LoopTask.Current is not null);
        }
    });

    [Fact]
    public void An_action_that_throws_is_reported() => LoopTest.Run(async test =>
    {
        test.Loop.PipeScheduler.Schedule(_ => throw new IOException("in a pipe"), null);
        await Coroutine.Yield();
        Assert.Equal("in a pipe", test.TakeReport().Exception!.Message);
    });

    [Fact]
    public void A_pipe_between_a_thread_and_the_loop_works() => LoopTest.Run(async test =>
    {
        var pipe = new Pipe(new PipeOptions(
            readerScheduler: test.Loop.PipeScheduler,
            writerScheduler: test.Loop.PipeScheduler,
            pauseWriterThreshold: 64,
            resumeWriterThreshold: 32,
            useSynchronizationContext: false));
        using var thread = LoopTest.StartThread(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                pipe.Writer.WriteAsync(new byte[10]).AsTask().GetAwaiter().GetResult();
            }

            pipe.Writer.Complete();
        });
        var total = 0L;
        while (true)
        {
            var result = await pipe.Reader.ReadAsync();
            Assert.True(test.Loop.IsOnLoopThread);
            total += result.Buffer.Length;
            pipe.Reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                break;
            }
        }

        Assert.Equal(1000, total);
    });

    [Fact]
    public void A_closed_loop_drops_actions() => LoopTest.On(test =>
    {
        test.Loop.Dispose();
        test.Loop.PipeScheduler.Schedule(_ => Assert.Fail("It ran."), null);
        LoopTest.StartThread(() => test.Loop.PipeScheduler.Schedule(_ => Assert.Fail("It ran."), null)).Join();
    });
}

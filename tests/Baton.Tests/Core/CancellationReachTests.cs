namespace Baton.Tests.Core;

/// <summary>How far a cancellation reaches: through plain methods, into operations, to tasks of the BCL.</summary>
public class CancellationReachTests
{
    [Fact]
    public void Cancel_reaches_through_plain_async_methods() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        await Coroutine.Yield();
        task.Cancel("through");
        Assert.True(future.IsCancelled);
        await AssertCancelled(task, "through");

        async Coroutine Body() => await First();

        async Task First() => await Second();

        async ValueTask Second()
        {
            await Task.Yield();
            await future;
        }
    });

    [Fact]
    public void Cancel_reaches_a_coroutine_that_a_plain_method_awaits() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        Assert.Equal(1, test.Loop.TimerCount);
        task.Cancel();
        Assert.Equal(0, test.Loop.TimerCount);
        await AssertCancelled(task);

        static async Coroutine Body() => await Plain();

        static async Task Plain() => await Inner();

        static async Coroutine Inner() => await Coroutine.Sleep(TimeSpan.FromHours(1));
    });

    [Fact]
    public void Cancel_reaches_through_code_that_asked_for_no_context() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop) { OnCancel = TestOperation.EndAtOnce };
        var first = new TestOperation(test.Loop);
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        first.Succeed();
        await Coroutine.Yield();
        task.Cancel();
        Assert.Equal(1, operation.CancelRequests);
        await AssertCancelled(task);

        async Coroutine Body() => await Library();

        async Task Library()
        {
            await first.Start().ConfigureAwait(false);
            await operation.Start().ConfigureAwait(false);
        }
    });

    [Fact]
    public void Cancel_reaches_all_that_a_task_waits_for_at_once() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var operation = new TestOperation(test.Loop) { OnCancel = TestOperation.EndAtOnce };
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        Assert.Equal(1, test.Loop.TimerCount);
        task.Cancel();
        Assert.Equal(0, test.Loop.TimerCount);
        Assert.True(future.IsCancelled);
        Assert.Equal(1, operation.CancelRequests);
        await AssertCancelled(task);

        async Coroutine Body() => await Task.WhenAll(Sleep(), Wait(), Operate());

        async Task Sleep() => await Coroutine.Sleep(TimeSpan.FromHours(1));

        async Task Wait() => await future;

        async Task Operate() => await operation.Start();
    });

    [Fact]
    public void One_branch_that_refuses_does_not_keep_the_others_from_ending() => LoopTest.Run(async test =>
    {
        var refuses = new TestOperation(test.Loop);
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        task.Cancel();
        await Coroutine.Yield();
        Assert.False(task.IsDone);
        refuses.Succeed();
        await AssertCancelled(task);

        async Coroutine Body() => await Task.WhenAll(Sleep(), Operate());

        async Task Sleep() => await Coroutine.Sleep(Timeout.InfiniteTimeSpan);

        async Task Operate() => await refuses.Start();
    });

    [Fact]
    public void A_plain_task_that_is_awaited_directly_is_not_interrupted_and_the_next_suspension_throws() => LoopTest.Run(async test =>
    {
        var source = new TaskCompletionSource<int>();
        var log = new List<int>();
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        task.Cancel();
        await Coroutine.Yield();
        Assert.False(task.IsDone);
        source.SetResult(3);
        await AssertCancelled(task);
        Assert.Equal([3], log);

        async Coroutine Body()
        {
            log.Add(await source.Task);
            await Coroutine.Yield();
            log.Add(-1);
        }
    });

    [Fact]
    public void FromTask_ends_at_once_when_cancelled_and_the_task_goes_on() => LoopTest.Run(async test =>
    {
        var source = new TaskCompletionSource<int>();
        var task = test.Loop.CreateTask(Coroutine.FromTask(source.Task));
        await Coroutine.Yield();
        task.Cancel("now");
        await AssertCancelled(task, "now");
        Assert.False(source.Task.IsCompleted);
        source.SetResult(1);
    });

    [Fact]
    public void FromTask_delivers_what_the_task_ended_with() => LoopTest.Run(async test =>
    {
        Assert.Equal(5, await Coroutine.FromTask(Task.FromResult(5)));
        await Coroutine.FromTask(Task.CompletedTask);
        Assert.Equal(6, await Coroutine.FromTask(Later(6)));
        await Coroutine.FromTask((Task)Later(7));
        await Assert.ThrowsAsync<IOException>(async () => await Coroutine.FromTask(Task.FromException<int>(new IOException())));
        await Assert.ThrowsAsync<IOException>(async () => await Coroutine.FromTask(Fail()));
        Assert.True(test.Loop.IsOnLoopThread);

        static async Task<int> Later(int value)
        {
            await Task.Delay(1).ConfigureAwait(false);
            return value;
        }

        static async Task Fail()
        {
            await Task.Delay(1).ConfigureAwait(false);
            throw new IOException();
        }
    });

    [Fact]
    public void A_failure_that_a_cancelled_FromTask_left_behind_is_observed() => LoopTest.Run(async test =>
    {
        var unobserved = new List<Exception>();
        EventHandler<UnobservedTaskExceptionEventArgs> handler = (_, args) =>
        {
            if (args.Exception.InnerException
                is IOException { Message: nameof(A_failure_that_a_cancelled_FromTask_left_behind_is_observed) })
            {
                unobserved.Add(args.Exception);
            }
        };
        TaskScheduler.UnobservedTaskException += handler;
        try
        {
            await Abandon(test);
            for (var i = 0; i < 3; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                await Coroutine.Yield();
            }
        }
        finally
        {
            TaskScheduler.UnobservedTaskException -= handler;
        }

        Assert.Empty(unobserved);

        static async Coroutine Abandon(LoopTest test)
        {
            var source = new TaskCompletionSource<int>();
            var task = test.Loop.CreateTask(Coroutine.FromTask(source.Task));
            await Coroutine.Yield();
            task.Cancel();
            await AssertCancelled(task);
            source.SetException(new IOException(nameof(A_failure_that_a_cancelled_FromTask_left_behind_is_observed)));
        }
    });

    [Fact]
    public void A_yield_that_is_cancelled_throws_after_its_trip() => LoopTest.Run(async test =>
    {
        Func<Coroutine>[] yields = [async () => await Coroutine.Yield(), () => Coroutine.Sleep(TimeSpan.Zero), async () => await Plain()];
        foreach (var yield in yields)
        {
            var task = test.Loop.CreateTask(yield());
            test.Loop.CallSoon(() => task.Cancel("yield"));
            await AssertCancelled(task, "yield");
        }

        static async Task Plain() => await Coroutine.Yield();
    });

    [Fact]
    public void An_operation_that_refuses_ends_as_it_likes_and_the_next_suspension_throws() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop);
        var log = new List<int>();
        var task = test.Loop.CreateTask(Receive(operation, log));
        await Coroutine.Yield();
        task.Cancel();
        await Coroutine.Yield();
        Assert.False(task.IsDone);
        operation.Succeed(9);
        await AssertCancelled(task);
        Assert.Equal([9], log);
        Assert.Equal(1, operation.ResultsTaken);
    });

    [Fact]
    public void An_operation_that_ends_later_as_cancelled_is_waited_for() => LoopTest.Run(async test =>
    {
        string? message = null;
        var operation = new TestOperation(test.Loop)
        {
            OnCancel = (_, text) =>
            {
                message = text;
                return true;
            },
        };
        var log = new List<int>();
        var task = test.Loop.CreateTask(Receive(operation, log));
        await Coroutine.Yield();
        task.Cancel("later");
        task.Cancel("again");
        await Coroutine.Yield();
        Assert.False(task.IsDone);
        Assert.Equal(1, operation.CancelRequests);
        operation.Fail(new CancelledException(message));
        await AssertCancelled(task, "later");
        Assert.Empty(log);
    });

    [Fact]
    public void An_operation_that_accepts_and_then_has_a_value_delivers_it_and_the_next_suspension_throws() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop) { OnCancel = (_, _) => true };
        var log = new List<int>();
        var task = test.Loop.CreateTask(Receive(operation, log));
        await Coroutine.Yield();
        task.Cancel("kept");
        operation.Succeed(4);
        await AssertCancelled(task, "kept");
        Assert.Equal([4], log);
    });

    [Fact]
    public void An_operation_that_has_a_value_at_once_when_asked_delivers_it_and_the_next_suspension_throws() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop)
        {
            OnCancel = (self, _) =>
            {
                self.Succeed(4);
                return true;
            },
        };
        var log = new List<int>();
        var task = test.Loop.CreateTask(Receive(operation, log));
        await Coroutine.Yield();
        task.Cancel("kept");
        await AssertCancelled(task, "kept");
        Assert.Equal([4], log);
    });

    [Fact]
    public void A_request_that_was_taken_back_is_not_kept_by_an_operation_that_has_a_value() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop) { OnCancel = (_, _) => true };
        var log = new List<int>();
        var task = test.Loop.CreateTask(Receive(operation, log));
        await Coroutine.Yield();
        task.Cancel();
        task.Uncancel();
        operation.Succeed(4);
        await task;
        Assert.Equal([4, -1], log);
    });

    [Fact]
    public void An_operation_that_completed_before_the_cancel_is_not_asked() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop) { OnCancel = TestOperation.EndAtOnce };
        var log = new List<int>();
        var task = test.Loop.CreateTask(Receive(operation, log));
        await Coroutine.Yield();
        operation.Succeed(4);
        task.Cancel();
        await AssertCancelled(task);
        Assert.Equal(0, operation.CancelRequests);
        Assert.Equal([4], log);
    });

    [Fact]
    public void An_operation_begun_by_a_task_that_is_to_be_cancelled_is_asked_as_soon_as_it_is_awaited() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop) { OnCancel = TestOperation.EndAtOnce };
        var task = test.Loop.CreateTask(Body());
        await AssertCancelled(task, "self");

        async Coroutine Body()
        {
            LoopTask.Current!.Cancel("self");
            await operation.Start();
        }
    });

    private static async Coroutine Receive(TestOperation operation, List<int> log)
    {
        log.Add(await operation.Start());
        await Coroutine.Yield();
        log.Add(-1);
    }

    private static async Coroutine AssertCancelled(LoopTask task, string? message = null)
    {
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.True(task.IsCancelled);
        if (message is not null)
        {
            Assert.Equal(message, exception.Message);
        }
    }
}

namespace Baton.Tests.Core;

/// <summary>The life of a <see cref="LoopOperation"/>: begun, completed, its result taken, and begun again.</summary>
public class LoopOperationTests
{
    [Fact]
    public void One_use_after_the_other() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop);
        Assert.Same(test.Loop, operation.Loop);
        for (var i = 0; i < 100; i++)
        {
            Assert.False(operation.IsInUse || operation.IsPending);
            var result = operation.Start();
            Assert.True(operation.IsInUse && operation.IsPending);
            Assert.False(result.IsCompleted);
            test.Loop.CallSoon(state => operation.Succeed((int)state!), i);
            Assert.Equal(i, await result);
        }

        Assert.Equal(100, operation.ResultsTaken);
    });

    [Fact]
    public void A_use_that_is_done_at_once_does_not_suspend() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop);
        var ran = false;
        test.Loop.CallSoon(() => ran = true);
        Assert.Equal(1, await operation.StartDone(1));
        Assert.Equal(2, await operation.StartDone(2));
        Assert.False(ran);
        Assert.False(operation.IsInUse);
        await Coroutine.Yield();
    });

    [Fact]
    public void Only_one_use_at_a_time() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop);
        var first = operation.Start();
        Assert.Contains("in progress", Assert.Throws<InvalidOperationException>(() => operation.Start()).Message, StringComparison.Ordinal);
        operation.Succeed(1);
        Assert.False(operation.IsPending);
        Assert.Throws<InvalidOperationException>(() => operation.Start()); // Its result has not been taken.
        Assert.Equal(1, await first);
        var second = operation.Start();
        operation.Succeed(2);
        Assert.Equal(2, await second);
    });

    [Fact]
    public void An_operation_is_completed_once() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop);
        Assert.Throws<InvalidOperationException>(() => operation.Succeed());
        var result = operation.Start();
        operation.Succeed(1);
        Assert.Contains("twice", Assert.Throws<InvalidOperationException>(() => operation.Succeed(2)).Message, StringComparison.Ordinal);
        Assert.Equal(1, await result);
    });

    [Fact]
    public void A_result_is_taken_once() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop);
        var result = operation.Start();
        operation.Succeed(1);
        var copy = result;
        Assert.True(result.IsCompletedSuccessfully);
        Assert.Equal(1, await result);
        Assert.Contains(
            "once", (await Assert.ThrowsAsync<InvalidOperationException>(async () => await copy)).Message, StringComparison.Ordinal);

        // Nor does the old one reach the next use.
        var next = operation.Start();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await copy);
        operation.Succeed(2);
        Assert.Equal(2, await next);
    });

    [Fact]
    public void Only_one_can_await_it() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop);
        var result = operation.Start();
        var first = test.Loop.CreateTask(Await());
        var second = test.Loop.CreateTask(Await());
        await Coroutine.Yield();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await second);
        operation.Succeed(1);
        await first;

        async Coroutine Await() => await result;
    });

    [Fact]
    public void Blocking_on_a_pending_operation_throws() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop);
        var result = operation.Start();
        Assert.Contains(
            "Await", Assert.Throws<InvalidOperationException>(() => result.GetAwaiter().GetResult()).Message, StringComparison.Ordinal);
        operation.Succeed(1);
        Assert.Equal(1, await result);
    });

    [Fact]
    public void An_operation_begins_only_on_its_loops_thread() => LoopTest.Run(test =>
    {
        var operation = new TestOperation(test.Loop);
        using (LoopTest.StartThread(() => Assert.Throws<InvalidOperationException>(() => operation.Start())))
        {
        }

        Assert.False(operation.IsInUse);
        return default;
    });

    [Fact]
    public void A_failure_is_thrown_and_shows_in_the_status() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop);
        var result = operation.Start();
        operation.Fail(new IOException());
        Assert.True(result.IsFaulted);
        await Assert.ThrowsAsync<IOException>(async () => await result);
        Assert.False(operation.IsInUse);
    });

    [Fact]
    public void Completed_before_it_is_awaited_it_needs_no_trip() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop);
        var result = operation.Start();
        operation.Succeed(1);
        var ran = false;
        test.Loop.CallSoon(() => ran = true);
        Assert.Equal(1, await result);
        Assert.False(ran);
        await Coroutine.Yield();
    });

    [Fact]
    public void Nothing_runs_inside_Complete() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var operations = Enumerable.Range(0, 4).Select(_ => new TestOperation(test.Loop)).ToList();
        var tasks = new[]
        {
            Direct(operations[0]),
            WithoutContext(operations[1]),
            ThroughPlain(operations[2]),
            ThroughPlainWithoutContext(operations[3]),
        }
            .Select(coroutine => test.Loop.CreateTask(coroutine)).ToList();
        await Coroutine.Yield();
        log.Add("before");
        operations.ForEach(operation => operation.Succeed());
        log.Add("after");
        foreach (var task in tasks)
        {
            await task;
        }

        Assert.Equal(["before", "after"], log[..2]);
        Assert.Equal(6, log.Count);

        async Coroutine Direct(TestOperation operation)
        {
            await operation.Start();
            log.Add("direct");
        }

        async Coroutine WithoutContext(TestOperation operation)
        {
            await operation.Start().ConfigureAwait(false);
            log.Add("without context");
            Assert.NotNull(SynchronizationContext.Current);
        }

        async Coroutine ThroughPlain(TestOperation operation) => await Plain(operation, continueOnContext: true);

        async Coroutine ThroughPlainWithoutContext(TestOperation operation) => await Plain(operation, continueOnContext: false);

        async Task Plain(TestOperation operation, bool continueOnContext)
        {
            await operation.Start().ConfigureAwait(continueOnContext);
            log.Add("plain");
        }
    });

    [Fact]
    public void As_a_task_of_the_BCL_it_can_be_shared() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop);
        var task = operation.Start().AsTask();
        test.Loop.CallSoon(() => operation.Succeed(4));
        Assert.Equal(4, await task);
        Assert.Equal(4, await task);
        Assert.False(operation.IsInUse);
        var withoutResult = operation.StartWithoutResult().AsTask();
        test.Loop.CallSoon(() => operation.Succeed());
        await withoutResult;
    });

    [Fact]
    public void The_execution_context_flows_to_plain_code_that_awaits_it() => LoopTest.Run(async test =>
    {
        var local = new AsyncLocal<string?>();
        var operation = new TestOperation(test.Loop);
        var task = Plain();
        Assert.Null(local.Value);
        operation.Succeed();
        await task;

        async Task Plain()
        {
            local.Value = "plain";
            await operation.Start().ConfigureAwait(false);
            Assert.Equal("plain", local.Value);
        }
    });

    [Fact]
    public void The_budget_of_a_step_lasts_for_128_operations_and_is_new_in_the_next() => LoopTest.Run(async test =>
    {
        for (var step = 0; step < 3; step++)
        {
            await Coroutine.Yield();
            for (var i = 0; i < 128; i++)
            {
                Assert.True(test.Loop.TryConsumeBudget());
            }

            Assert.False(test.Loop.TryConsumeBudget());
            Assert.False(test.Loop.TryConsumeBudget());
        }
    });
}

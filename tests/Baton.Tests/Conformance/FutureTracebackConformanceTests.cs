namespace Baton.Tests.Conformance;

/// <summary>CPython's test_futures2: stacks of exceptions, contexts of handlers, and texts of futures that contain themselves.</summary>
public class FutureTracebackConformanceTests
{
    private static readonly AsyncLocal<string?> Name = new();

    [Theory]
    [CPython("test_futures2.FutureTests.test_future_traceback")]
    [InlineData("task")]
    [InlineData("future")]
    [InlineData("gather")]
    [InlineData("shield")]
    public void However_often_a_failure_is_awaited_its_stack_names_the_await_once(string what) => LoopTest.Run(async test =>
    {
        var failing = what switch
        {
            "task" => test.Loop.CreateTask(Fail()),
            "gather" => Coroutine.Gather(Fail(), Coroutine.Sleep(TimeSpan.Zero)),
            "shield" => Coroutine.Shield(Fail()),
            _ => test.Loop.CreateFuture(),
        };
        if (what == "future")
        {
            failing.SetException(new IOException("42"));
        }

        for (var i = 0; i < 5; i++)
        {
            var exception = await Assert.ThrowsAsync<IOException>(async () => await AwaitIt(failing));
            Assert.Equal("42", exception.Message);
            Assert.Equal(2, exception.StackTrace!.Split(nameof(AwaitIt)).Length);
        }

        static async Coroutine Fail()
        {
            await Coroutine.Yield();
            throw new IOException("42");
        }
    });

    [Fact]
    [CPython("test_futures2.FutureTests.test_handle_exc_handler_correct_context")]
    public void The_handler_of_a_callback_sees_what_the_callback_had_set() => LoopTest.On(test =>
    {
        var seen = new List<string?>();
        test.Loop.ExceptionHandler = (_, _) => seen.Add(Name.Value);
        Name.Value = "outside";
        test.Loop.CallSoon(Fail);
        test.Loop.CallLater(TimeSpan.Zero, Fail);
        test.Loop.CallSoonThreadSafe(Fail);
        var future = test.Loop.CreateFuture();
        future.AddDoneCallback(_ => Fail());
        future.AddDoneCallback((_, _) => Fail(), null);
        future.SetResult();
        test.RunIterations(2);
        Assert.Equal(Enumerable.Repeat("inside", 5), seen);
        Assert.Equal("outside", Name.Value);

        static void Fail()
        {
            Name.Value = "inside";
            throw new IOException();
        }
    });

    [Fact]
    [CPython("test_futures2.FutureReprTests.test_recursive_repr_for_pending_tasks")]
    public void A_task_whose_result_contains_the_task_has_a_text() => LoopTest.RunInDebug(async test =>
    {
        var task = test.Loop.CreateTask(AllTasks(), "self");
        var holder = await task;
        var other = test.Loop.CreateFuture<Holder>();
        other.SetResult(new Holder(other));
        Assert.Contains(task, holder.Futures);
        Assert.StartsWith("Task 'self' (done with Holder: ", task.ToString(), StringComparison.Ordinal);
        Assert.Contains("Task 'self' (done)", task.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("Future<T> (done with Holder: Future<T> (done), created at ", other.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("Future<T> (done with Holder: Future<T> (done), created at ", other.ToString(), StringComparison.Ordinal);

        var failed = test.Loop.CreateFuture();
        failed.SetException(new SelfException(failed));
        Assert.StartsWith(
            "Future (failed with SelfException: about Future (failed), created at ", failed.ToString(), StringComparison.Ordinal);
        Assert.NotNull(failed.GetException());

        async Coroutine<Holder> AllTasks()
        {
            await Coroutine.Yield();
            return new Holder(LoopTask.Current!);
        }
    });

    private static async Coroutine AwaitIt(Future future) => await future;

    private sealed class Holder(params Future[] futures)
    {
        public Future[] Futures => futures;

        public override string ToString() => $"Holder: {string.Join<Future>(", ", futures)}";
    }

    private sealed class SelfException(Future future) : Exception
    {
        public override string Message => $"about {future}";
    }
}

using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

/// <summary>Every call from the wrong thread throws at once, and says what to call instead.</summary>
public class ThreadAffinityTests
{
    public static TheoryData<string, Action<Objects>> Members => new()
    {
        { "EventLoop.CallSoon", o => o.Loop.CallSoon(() => { }) },
        { "EventLoop.CallSoon(state)", o => o.Loop.CallSoon(_ => { }, null) },
        { "EventLoop.CallLater", o => o.Loop.CallLater(TimeSpan.Zero, () => { }) },
        { "EventLoop.CallLater(state)", o => o.Loop.CallLater(TimeSpan.Zero, _ => { }, null) },
        { "EventLoop.CallAt", o => o.Loop.CallAt(0, () => { }) },
        { "EventLoop.CallAt(state)", o => o.Loop.CallAt(0, _ => { }, null) },
        { "EventLoop.BeforePoll", o => o.Loop.BeforePoll(_ => { }, null) },
        { "EventLoop.CreateTask", o => o.Loop.CreateTask(default(Coroutine)) },
        { "EventLoop.CreateTask(eager)", o => o.Loop.CreateTask(default(Coroutine), eager: true) },
        { "EventLoop.CreateTask<T>", o => o.Loop.CreateTask(Coroutine.FromResult(1)) },
        { "EventLoop.CreateFuture", o => o.Loop.CreateFuture() },
        { "EventLoop.CreateFuture<T>", o => o.Loop.CreateFuture<int>() },
        { "EventLoop.AllTasks", o => o.Loop.AllTasks() },
        { "EventLoop.AddSignalHandler", o => o.Loop.AddSignalHandler(LoopSignals.User1, () => { }) },
        { "EventLoop.AddSignalHandler(state)", o => o.Loop.AddSignalHandler(LoopSignals.User1, _ => { }, null) },
        { "EventLoop.RemoveSignalHandler", o => o.Loop.RemoveSignalHandler(LoopSignals.User1) },
        { "EventLoop.Stop", o => o.Loop.Stop() },
        { "EventLoop.Dispose", o => o.Loop.Dispose() },
        { "EventLoop.CheckThread", o => o.Loop.CheckThread() },
        { "Future.SetResult", o => o.Pending.SetResult() },
        { "Future.TrySetResult", o => o.Pending.TrySetResult() },
        { "Future.SetException", o => o.Pending.SetException(new IOException()) },
        { "Future.TrySetException", o => o.Pending.TrySetException(new IOException()) },
        { "Future.Cancel", o => o.Pending.Cancel() },
        { "Future.AddDoneCallback", o => o.Pending.AddDoneCallback(_ => { }) },
        { "Future.RemoveDoneCallback", o => o.Pending.RemoveDoneCallback(_ => { }) },
        { "Future.GetResult, pending", o => o.Pending.GetResult() },
        { "Future.GetResult, done", o => o.Done.GetResult() },
        { "Future.GetException, done", o => o.Done.GetException() },
        { "Future<T>.SetResult", o => o.PendingValue.SetResult(1) },
        { "Future<T>.TrySetResult", o => o.PendingValue.TrySetResult(1) },
        { "Future<T>.GetResult, done", o => o.DoneValue.GetResult() },
        { "LoopTask.Cancel", o => o.Task.Cancel() },
        { "LoopTask.Uncancel", o => o.Task.Uncancel() },
        { "LoopTask.CancellationToken", o => _ = o.Task.CancellationToken },
        { "LoopTask<T>.GetResult, done", o => o.DoneTask.GetResult() },
        { "Handle.Cancel", o => o.Handle.Cancel() },
        { "TimerHandle.Cancel", o => o.Timer.Cancel() },
    };

    [Theory]
    [MemberData(nameof(Members))]
    public void Throws_off_the_loops_thread(string member, Action<Objects> call) => LoopTest.Run(async test =>
    {
        var objects = await Objects.Create(test.Loop);
        using (LoopTest.StartThread(() =>
        {
            var exception = Assert.Throws<InvalidOperationException>(() => call(objects));
            if (member != "EventLoop.Dispose")
            {
                Assert.Contains("CallSoonThreadSafe", exception.Message, StringComparison.Ordinal);
                Assert.Contains("RunCoroutineThreadSafe", exception.Message, StringComparison.Ordinal);
            }
        }))
        {
        }

        await objects.End();
    });

    public static TheoryData<string, Func<Objects, Task>> Awaits => new()
    {
        { "Future", async o => await o.Pending },
        { "Future, done", async o => await o.Done },
        { "Future<T>", async o => await o.PendingValue },
        { "Future<T>, done", async o => await o.DoneValue },
        { "LoopTask", async o => await o.Task },
        { "LoopTask<T>, done", async o => await o.DoneTask },
        { "Coroutine", async _ => await Nothing() },
        { "Coroutine<T>", async _ => await Coroutine.FromResult(1) },
        { "Coroutine.Sleep", async _ => await Coroutine.Sleep(TimeSpan.Zero) },
        { "Coroutine.Yield", async _ => await Coroutine.Yield() },
    };

    [Theory]
    [MemberData(nameof(Awaits))]
    public void Awaiting_off_the_loops_thread_throws_and_names_RunCoroutineThreadSafe(string awaited, Func<Objects, Task> begin) =>
        LoopTest.Run(async test =>
        {
            var objects = await Objects.Create(test.Loop);
            using (LoopTest.StartThread(() =>
            {
                var task = begin(objects);
                Assert.True(task.IsFaulted, awaited);
                var exception = Assert.IsType<InvalidOperationException>(task.Exception!.InnerException);
                Assert.Contains("RunCoroutineThreadSafe", exception.Message, StringComparison.Ordinal);
            }))
            {
            }

            await objects.End();
        });

    [Fact]
    public void The_state_of_a_future_can_be_read_anywhere() => LoopTest.Run(async test =>
    {
        var objects = await Objects.Create(test.Loop);
        using (LoopTest.StartThread(() =>
        {
            Assert.False(objects.Pending.IsDone);
            Assert.True(objects.Done.IsDone);
            Assert.False(objects.Done.IsCancelled || objects.Done.IsFailed);
            Assert.Same(test.Loop, objects.Done.Loop);
            Assert.Contains("worker", objects.Task.ToString(), StringComparison.Ordinal);
            Assert.Equal(2, test.Loop.TaskCount);
            Assert.True(test.Loop.IsRunning);
        }))
        {
        }

        await objects.End();
    });

    [Fact]
    [CPython("test_events.PolicyTests.test_get_event_loop_thread")]
    public void Current_loop_and_task_are_those_of_the_thread() => LoopTest.Run(test =>
    {
        using (LoopTest.StartThread(() =>
        {
            Assert.Null(EventLoop.CurrentOrNull);
            Assert.Null(LoopTask.Current);
            Assert.Throws<InvalidOperationException>(() => EventLoop.Current);
        }))
        {
        }

        Assert.NotNull(LoopTask.Current);
        return default;
    });

    private static async Coroutine Nothing() => await default(Coroutine);

    public sealed class Objects
    {
        public required EventLoop Loop { get; init; }

        public required Future Pending { get; init; }

        public required Future Done { get; init; }

        public required Future<int> PendingValue { get; init; }

        public required Future<int> DoneValue { get; init; }

        public required LoopTask Task { get; init; }

        public required LoopTask<int> DoneTask { get; init; }

        public required Handle Handle { get; init; }

        public required TimerHandle Timer { get; init; }

        public static async Coroutine<Objects> Create(EventLoop loop)
        {
            var pending = loop.CreateFuture();
            var objects = new Objects
            {
                Loop = loop,
                Pending = pending,
                Done = loop.CreateFuture(),
                PendingValue = loop.CreateFuture<int>(),
                DoneValue = loop.CreateFuture<int>(),
                Task = loop.CreateTask(Await(pending), "worker"),
                DoneTask = loop.CreateTask(Coroutine.FromResult(5)),
                Timer = loop.CallLater(TimeSpan.FromHours(1), () => { }),
                Handle = loop.CallSoonThreadSafe(() => { }),
            };
            objects.Done.SetResult();
            objects.DoneValue.SetResult(3);
            await objects.DoneTask;

            // A handle that is still pending during the test.
            return objects.With(loop.CallSoon(() => { }));

            static async Coroutine Await(Future future) => await future;
        }

        public async Coroutine End()
        {
            Pending.TrySetResult();
            Timer.Cancel();
            await Task;
        }

        private Objects With(Handle handle) => new()
        {
            Loop = Loop,
            Pending = Pending,
            Done = Done,
            PendingValue = PendingValue,
            DoneValue = DoneValue,
            Task = Task,
            DoneTask = DoneTask,
            Timer = Timer,
            Handle = handle,
        };
    }
}

using System.Runtime.CompilerServices;

namespace Baton.Tests.Diagnostics;

/// <summary>Code that blocks the loop's thread. Another thread always ends the wait, after the warning has come.</summary>
public class BlockingWaitTests
{
    private const string Here = "Baton.Tests.Diagnostics.BlockingWaitTests";

    public static TheoryData<string, Action<Blocker>> Waits => new()
    {
        { "Task.Wait", static blocker => blocker.Task.Wait() },
        { "Task.Result", static blocker => _ = blocker.Task.Result },
        { "GetAwaiter().GetResult()", static blocker => blocker.Task.GetAwaiter().GetResult() },
        { "Task.WaitAll", static blocker => Task.WaitAll(blocker.Task) },
        { "Task.WaitAny", static blocker => Task.WaitAny(blocker.Task) },
        { "ManualResetEventSlim", static blocker => blocker.SlimEvent.Wait() },
        { "SemaphoreSlim", static blocker => blocker.SlimSemaphore.Wait() },
        { "WaitHandle", static blocker => blocker.Event.WaitOne() },
        { "WaitHandle.WaitAny", static blocker => WaitHandle.WaitAny([blocker.Event]) },
        { "lock", static blocker => { lock (blocker.Monitor) { } } },
        { "Lock", static blocker => { lock (blocker.Lock) { } } },
    };

    [Theory]
    [MemberData(nameof(Waits))]
    public void A_wait_is_reported_before_it_blocks(string what, Action<Blocker> wait) => OnBlocker((test, blocker) =>
    {
        Assert.NotEmpty(what);
        test.Loop.RunUntilComplete(test.Loop.CreateTask(Run(wait, blocker), "blocking"));
        var warning = Assert.Single(blocker.Warnings);
        Assert.Equal(LoopWarningKind.BlockingWait, warning.Kind);
        Assert.Equal("blocking", warning.Task!.Name);
        Assert.StartsWith(
            "Task 'blocking' (pending) blocks the thread of the event loop in Baton.Tests.Diagnostics.BlockingWaitTests",
            warning.Message,
            StringComparison.Ordinal);
        Assert.Contains("Await instead.", warning.Message, StringComparison.Ordinal);
        Assert.NotEqual(0, warning.Stack!.Innermost!.Value.Line);
        Assert.Contains(warning.Stack.Frames, frame => frame.Method == $"{Here}.Run");
    });

    [Fact]
    public void A_wait_in_a_callback_and_in_plain_code_is_reported() => OnBlocker((test, blocker) =>
    {
        test.Loop.CallSoon(() => blocker.Event.WaitOne());
        test.RunIterations(1);
        Assert.StartsWith(
            "A callback blocks the thread of the event loop in ", Assert.Single(blocker.Warnings).Message, StringComparison.Ordinal);
        blocker.Event.Reset();
        test.Loop.RunUntilComplete(Mixed(blocker));
        Assert.Contains($"in {Here}.", blocker.Warnings[1].Message, StringComparison.Ordinal);

        static async Coroutine Mixed(Blocker blocker) => await Plain(blocker);

        static async Task Plain(Blocker blocker)
        {
            await Coroutine.Yield();
            blocker.Event.WaitOne();
        }
    });

    [Fact]
    public void A_wait_in_a_cancel_scope_is_reported() => OnBlocker((test, blocker) =>
    {
        test.Loop.RunUntilComplete(Run(blocker));
        Assert.Single(blocker.Warnings);

        static async Coroutine Run(Blocker blocker) => await CancelScope.Run(async Coroutine (_) =>
        {
            await Coroutine.Yield();
            blocker.Event.WaitOne();
        });
    });

    [Fact]
    public void The_locks_of_debug_mode_itself_are_not_reported()
    {
        var waits = 0;
        var threads = Enumerable.Range(0, 4).Select(_ => LoopTest.StartThread(() =>
        {
            var options = new EventLoopOptions
            {
                Debug = true,
                WarningHandler = (_, warning) => Interlocked.Add(ref waits, warning.Kind == LoopWarningKind.BlockingWait ? 1 : 0),
            };
            EventLoop.Run(Churn, options);
        })).ToList();
        threads.ForEach(thread => thread.Dispose());
        Assert.Equal(0, waits);

        static async Coroutine Churn()
        {
            for (var i = 0; i < 500; i++)
            {
                await Coroutine.Start(Coroutine.FromResult(i));
            }
        }
    }

    [Fact]
    public void Each_place_is_reported_once() => OnBlocker((test, blocker) =>
    {
        for (var i = 0; i < 3; i++)
        {
            test.Loop.CallSoon(() => Block(blocker));
            test.RunIterations(1);
            if (i == 0)
            {
                Assert.Single(blocker.Warnings);
            }

            blocker.Event.Reset();
            blocker.ReleaseWithoutWarning();
        }

        Assert.Single(blocker.Warnings);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Block(Blocker blocker) => blocker.Event.WaitOne();
    });

    [Fact]
    public void What_does_not_block_is_not_reported() => OnBlocker((test, blocker) =>
    {
        test.Loop.RunUntilComplete(Run(blocker));
        Assert.Empty(blocker.Warnings);

        static async Coroutine Run(Blocker blocker)
        {
            await Coroutine.Yield();
            Task.CompletedTask.Wait();
            _ = Task.FromResult(1).Result;
            lock (new object())
            {
            }

            Assert.False(blocker.Event.WaitOne(0));
            Assert.False(blocker.Task.Wait(0));
            Assert.False(Monitor.TryEnter(blocker.Monitor, 0));
            await Coroutine.Sleep(TimeSpan.FromSeconds(1));
        }
    });

    [Fact]
    public void The_loops_own_waiting_is_not_reported() => LoopTest.OnInDebug(test =>
    {
        // A virtual driver waits for other threads by means of the BCL, as a portable one would.
        test.Driver.Waiting = () => { using var thread = LoopTest.StartThread(() => test.Loop.CallSoonThreadSafe(test.Loop.Stop)); };
        test.Loop.RunForever();
        Assert.True(test.Driver.Wakes > 0);
    });

    [Fact]
    public void A_writer_that_another_thread_uses_is_reported() => OnBlocker((test, blocker) =>
    {
        using var writer = new BlockingWriter(blocker);
        var synchronized = TextWriter.Synchronized(writer);
        using var thread = LoopTest.StartThread(() => synchronized.WriteLine("theirs"));
        LoopTest.Await(writer.IsEntered);
        test.Loop.CallSoon(() => synchronized.WriteLine("ours"));
        test.RunIterations(1);
        Assert.Contains(
            $"in {Here}.{nameof(A_writer_that_another_thread_uses_is_reported)}.lambda",
            Assert.Single(blocker.Warnings).Message,
            StringComparison.Ordinal);
    });

    [Fact]
    public void It_can_throw_instead() => LoopTest.On(
        options =>
        {
            options.Debug = true;
            options.BlockingWaits = BlockingWaits.Throw;
        },
        test =>
        {
            var never = new TaskCompletionSource();
            using var gate = new ManualResetEvent(false);
            for (var i = 0; i < 2; i++)
            {
                test.Loop.RunUntilComplete(Run(never.Task, gate));
            }

            static async Coroutine Run(Task never, ManualResetEvent gate)
            {
                await Coroutine.Yield();
                Assert.Contains(
                    "Await instead.", Assert.Throws<InvalidOperationException>(() => never.Wait()).Message, StringComparison.Ordinal);
                Assert.Contains(
                    $"in {Here}.", Assert.Throws<InvalidOperationException>(() => gate.WaitOne()).Message, StringComparison.Ordinal);
                await Coroutine.Yield();
            }
        });

    [Fact]
    public void A_lock_that_throws_is_not_taken_and_can_be_taken_later() => LoopTest.On(
        options =>
        {
            options.Debug = true;
            options.BlockingWaits = BlockingWaits.Throw;
        },
        test =>
        {
            var monitor = new object();
            using var isTaken = new ManualResetEvent(false);
            using var release = new ManualResetEvent(false);
            var thread = LoopTest.StartThread(() =>
            {
                lock (monitor)
                {
                    isTaken.Set();
                    LoopTest.Await(release);
                }
            });
            LoopTest.Await(isTaken);
            test.Loop.CallSoon(() =>
            {
                Assert.Throws<InvalidOperationException>(() =>
                {
                    lock (monitor)
                    {
                    }
                });
                Assert.False(Monitor.IsEntered(monitor));
            });
            test.RunIterations(1);
            release.Set();
            thread.Dispose();
            test.Loop.CallSoon(() =>
            {
                lock (monitor)
                {
                    Assert.True(Monitor.IsEntered(monitor));
                }
            });
            test.RunIterations(1);
        });

    [Fact]
    public void It_can_be_ignored() => LoopTest.On(
        options =>
        {
            options.Debug = true;
            options.BlockingWaits = BlockingWaits.Ignore;
        },
        test =>
        {
            test.Loop.CallSoon(() =>
            {
                using var gate = new ManualResetEvent(false);
                using var thread = LoopTest.StartThread(() => gate.Set());
                LoopTest.Await(gate);
            });
            test.RunIterations(1);
        });

    [Fact]
    public void Tasks_that_were_there_before_debug_mode_are_watched_too() => LoopTest.On(
        options => options.Debug = false,
        test =>
        {
            test.Loop.RunUntilComplete(Run(test));
            Assert.Equal(LoopWarningKind.BlockingWait, test.TakeWarning().Kind);

            static async Coroutine Run(LoopTest test)
            {
                await Coroutine.Yield();
                test.Loop.IsDebug = true;
                await Coroutine.Yield();
                using var gate = new ManualResetEvent(false);
                test.Loop.WarningHandler += (_, _) => gate.Set();
                LoopTest.Await(gate);
            }
        });

    private static async Coroutine Run(Action<Blocker> wait, Blocker blocker)
    {
        await Coroutine.Yield();
        wait(blocker);
    }

    private static void OnBlocker(Action<LoopTest, Blocker> body)
    {
        using var blocker = new Blocker();
        LoopTest.On(
            options =>
            {
                options.Debug = true;
                options.WarningHandler = blocker.OnWarning;
            },
            test => body(test, blocker));
    }

    /// <summary>Whatever one can block on, all held by another thread, which lets go when a warning has come.</summary>
    public sealed class Blocker : IDisposable
    {
        private readonly TaskCompletionSource<int> _task = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly ManualResetEvent _isHeld = new(false);
        private readonly ManualResetEvent _mayRelease = new(false);
        private readonly TestThread _thread;
        private TestThread? _releasing;

        internal Blocker()
        {
            _thread = LoopTest.StartThread(Hold);
            LoopTest.Await(_isHeld);
        }

        internal List<LoopWarning> Warnings { get; } = [];

        internal Task<int> Task => _task.Task;

        internal ManualResetEventSlim SlimEvent { get; } = new();

        internal SemaphoreSlim SlimSemaphore { get; } = new(0);

        internal ManualResetEvent Event { get; } = new(false);

        internal object Monitor { get; } = new();

        internal Lock Lock { get; } = new();

        public void Dispose()
        {
            _mayRelease.Set();
            _thread.Dispose();
            _releasing?.Dispose();
            SlimEvent.Dispose();
            SlimSemaphore.Dispose();
            Event.Dispose();
            _isHeld.Dispose();
            _mayRelease.Dispose();
        }

        internal void OnWarning(EventLoop loop, LoopWarning warning)
        {
            Warnings.Add(warning);
            Release();
        }

        /// <summary>Ends a wait that is not expected to be warned of, from another thread, whenever it may begin.</summary>
        internal void ReleaseWithoutWarning()
        {
            _releasing?.Dispose();
            _releasing = LoopTest.StartThread(() => Event.Set());
        }

        internal void Release()
        {
            _mayRelease.Set();
            Event.Set();
            SlimEvent.Set();
            SlimSemaphore.Release();
            _task.TrySetResult(1);
        }

        private void Hold()
        {
            lock (Monitor)
            {
                lock (Lock)
                {
                    _isHeld.Set();
                    LoopTest.Await(_mayRelease);
                }
            }
        }
    }

    private sealed class BlockingWriter(Blocker blocker) : StringWriter
    {
        internal ManualResetEvent IsEntered { get; } = new(false);

        public override void WriteLine(string? value)
        {
            if (value == "theirs")
            {
                IsEntered.Set();
                lock (blocker.Monitor)
                {
                }
            }
        }

        protected override void Dispose(bool disposing)
        {
            IsEntered.Dispose();
            base.Dispose(disposing);
        }
    }
}

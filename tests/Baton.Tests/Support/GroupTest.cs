using System.Collections.Concurrent;

namespace Baton.Tests;

/// <summary>
/// Runs a test with a group of loops on the driver of the run, and checks at the end that nothing is left: no task, timer, socket,
/// descriptor, lent block or thread, and no report that the test did not take.
/// </summary>
public sealed class GroupTest
{
    private readonly ConcurrentQueue<LoopExceptionContext> _reports = [];
    private readonly IoDriver[] _drivers;
    private readonly ScriptedCalls?[] _calls;
    private readonly ConcurrentBag<Thread> _threads = [];

    private GroupTest(int count, Action<EventLoopGroupOptions>? configure)
    {
        _drivers = new IoDriver[count];
        _calls = new ScriptedCalls?[count];
        var options = new EventLoopGroupOptions
        {
            Name = "group",
            Count = count,
            ConfigureLoop = (index, loop) => loop.Driver = _drivers[index] = CreateDriver(index),
            ExceptionHandler = (_, report) => _reports.Enqueue(report),
        };
        configure?.Invoke(options);
        Group = EventLoopGroup.Start(options);
        foreach (var loop in Group.Loops)
        {
            loop.Invoke(() => _threads.Add(Thread.CurrentThread));
        }
    }

    public EventLoopGroup Group { get; }

    /// <summary>Whether the test ends the group itself, in the middle of things.</summary>
    public bool EndsItself { get; set; }

    /// <summary>Runs a body of plain code.</summary>
    public static void Run(int count, Func<GroupTest, Task> body, Action<EventLoopGroupOptions>? configure = null) => LoopTest.OnThread(() =>
    {
        var test = new GroupTest(count, configure);
        try
        {
            body(test).GetAwaiter().GetResult();
            test.CheckIdle();
        }
        finally
        {
            test.Group.Dispose();
        }

        test.CheckEnd();
    });

    /// <summary>Runs a coroutine on a loop beside the group.</summary>
    public static void RunBeside(int count, Func<GroupTest, Coroutine> main, Action<EventLoopGroupOptions>? configure = null) => LoopTest.OnThread(() =>
    {
        var test = new GroupTest(count, configure);
        try
        {
            NetTest.Run(() => main(test));
            test.CheckIdle();
        }
        finally
        {
            test.Group.Dispose();
        }

        test.CheckEnd();
    });

    /// <summary>What was reported to the exception handler so far; the test expects it.</summary>
    public List<LoopExceptionContext> TakeReports()
    {
        var reports = _reports.ToList();
        _reports.Clear();
        return reports;
    }

    /// <summary>Waits until something holds that other threads bring about.</summary>
    public static void Await(Func<bool> condition, string what) => Assert.True(SpinWait.SpinUntil(condition, TimeSpan.FromSeconds(60)), what);

    private void CheckIdle()
    {
        if (EndsItself)
        {
            return;
        }

        foreach (var loop in Group.Loops)
        {
            // Its main task waits for the end of the thread.
            Await(() => loop.Invoke(() => loop.TaskCount == 1 && loop.TimerCount == 0 && loop.Driver.OpenSocketCount == 0), $"{loop.Name} is not idle.");
        }
    }

    private void CheckEnd()
    {
        Assert.All(_threads, thread => Assert.False(thread.IsAlive));
        Assert.All(Group.Loops, loop => Assert.True(loop.IsClosed));
        Assert.Empty(_reports.Select(report => report.ToString()));
        foreach (var driver in _drivers)
        {
            Assert.Equal(0, driver.OpenSocketCount);
            Assert.Equal(0, driver.Blocks.LentCount);
            if (driver is PortableTestDriver portable)
            {
                Await(() => portable.PendingWaits == 0, "Waits never ended.");
            }
        }

        Assert.All(_calls, calls => Assert.Equal(0, calls?.OpenDescriptors ?? 0));
    }

    private IoDriver CreateDriver(int index)
    {
        if (TestDriver.Name == "portable")
        {
            return TestDriver.Create();
        }

        _calls[index] = new ScriptedCalls { IsForRings = TestDriver.Name == "iouring" };
        return TestDriver.Create(_calls[index]!);
    }
}

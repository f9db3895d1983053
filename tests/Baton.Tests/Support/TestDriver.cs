using System.Runtime.CompilerServices;
using Baton.Drivers;

namespace Baton.Tests;

/// <summary>The driver that this run of the tests is for: the one that BATON_TEST_DRIVER names.</summary>
public static class TestDriver
{
    public static string Name { get; } = Environment.GetEnvironmentVariable("BATON_TEST_DRIVER") is { Length: > 0 } name ? name : "epoll";

    /// <summary>Creates the driver.</summary>
    /// <param name="clock">A clock that is to jump to the next timer whenever nothing happens, instead of waiting for it.</param>
    public static IoDriver Create(VirtualClock? clock = null) => Name switch
    {
        "epoll" => Create(new ScriptedCalls { Clock = clock }),
        "portable" => new PortableTestDriver(clock),
        "iouring" => Create(new ScriptedCalls { Clock = clock, IsForRings = true }),
        _ => throw new InvalidOperationException($"BATON_TEST_DRIVER names a driver that there is not: {Name}"),
    };

    /// <summary>
    /// Creates a driver that makes the given system calls, whichever this run is for: that of epoll, unless they say that they are for
    /// rings.
    /// </summary>
    public static IoDriver Create(LinuxSocketCalls calls)
    {
        if (calls is ScriptedCalls { IsForRings: true })
        {
            return CreateForRings(calls);
        }

        Assert.SkipUnless(EpollDriver.IsSupported, "There is no epoll on this platform.");
        return new EpollDriver(calls);
    }

    /// <summary>Creates a driver of io_uring, or skips the test and says why there is none.</summary>
    public static IoUringDriver CreateForRings(LinuxSocketCalls? calls = null)
    {
        Assert.SkipUnless(IoUringDriver.IsSupported(out var reason), $"There is no io_uring here: {reason}.");
        return calls is null ? new IoUringDriver() : new IoUringDriver(calls);
    }

    /// <summary>What makes a loop without naming a driver, here or in a program that a test starts, gets the same.</summary>
    [ModuleInitializer]
    internal static void MakeDefault()
    {
        if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("BATON_DRIVER")))
        {
            Environment.SetEnvironmentVariable("BATON_DRIVER", Name);
        }
    }
}

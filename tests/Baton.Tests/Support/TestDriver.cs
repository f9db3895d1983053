using Baton.Drivers;

namespace Baton.Tests;

/// <summary>The driver that this run of the tests is for: the one that BATON_TEST_DRIVER names.</summary>
public static class TestDriver
{
    public static string Name { get; } = Environment.GetEnvironmentVariable("BATON_TEST_DRIVER") is { Length: > 0 } name ? name : "epoll";

    /// <summary>Creates the driver, on the given system calls.</summary>
    public static IoDriver Create(LinuxSocketCalls calls)
    {
        switch (Name)
        {
            case "epoll":
                Assert.SkipUnless(EpollDriver.IsSupported, "There is no epoll on this platform.");
                return new EpollDriver(calls);
            default:
                throw new InvalidOperationException($"BATON_TEST_DRIVER names a driver that there is not: {Name}");
        }
    }
}

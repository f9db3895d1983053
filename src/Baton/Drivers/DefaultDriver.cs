using Baton.Drivers;

namespace Baton;

/// <summary>Chooses the driver of a loop that was given none.</summary>
internal static class DefaultDriver
{
    /// <summary>The environment variable by which a program is told its driver without being changed.</summary>
    private const string Variable = "BATON_DRIVER";

    /// <param name="fallback">Why it is not the one that was asked for, where that cannot work here.</param>
    internal static IoDriver Create(out string? fallback)
    {
        fallback = null;
        var name = Environment.GetEnvironmentVariable(Variable);
        return name switch
        {
            null or "" => EpollDriver.IsSupported ? new EpollDriver() : new PortableDriver(),
            "epoll" => new EpollDriver(),
            "portable" => new PortableDriver(),
            "iouring" => IoUringDriver.IsSupported(out fallback) ? new IoUringDriver() : new EpollDriver(),
            _ => throw new InvalidOperationException(
                $"The environment variable {Variable} names a driver that there is not: '{name}'. There are 'epoll', 'iouring' and 'portable'; without it, Baton takes " +
                "the best that the platform has."),
        };
    }
}

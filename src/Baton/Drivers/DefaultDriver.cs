using Baton.Drivers;

namespace Baton;

/// <summary>Chooses the driver of a loop that was given none.</summary>
internal static class DefaultDriver
{
    /// <summary>The environment variable by which a program is told its driver without being changed.</summary>
    private const string Variable = "BATON_DRIVER";

    internal static IoDriver Create()
    {
        var name = Environment.GetEnvironmentVariable(Variable);
        return name switch
        {
            null or "" => EpollDriver.IsSupported ? new EpollDriver() : new PortableDriver(),
            "epoll" => new EpollDriver(),
            "portable" => new PortableDriver(),
            _ => throw new InvalidOperationException(
                $"The environment variable {Variable} names a driver that there is not: '{name}'. There are 'epoll' and 'portable'; without it, Baton takes " +
                "the best that the platform has."),
        };
    }
}

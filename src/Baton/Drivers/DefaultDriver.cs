using Baton.Drivers;

namespace Baton;

/// <summary>Chooses the driver of a loop that was given none.</summary>
internal static class DefaultDriver
{
    internal static IoDriver Create() => EpollDriver.IsSupported
        ? new EpollDriver()
        : throw new PlatformNotSupportedException("There is no driver for this platform yet: Baton runs on Linux.");
}

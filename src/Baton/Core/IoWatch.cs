namespace Baton;

/// <summary>
/// A descriptor that is none of the driver's, and whose readiness somebody wants to be told of: by <see cref="IoDriver.Watch"/>. Level-triggered, so that who does
/// not take everything is told again.
/// </summary>
public abstract class IoWatch(int descriptor)
{
    /// <summary>The descriptor, which must stay open for as long as it is watched.</summary>
    public int Descriptor => descriptor;

    /// <summary>What is watched for now; set by the driver.</summary>
    public IoReadiness Interest { get; set; }

    /// <summary>For the driver that watches: where it keeps what it knows of the watch. Negative for none.</summary>
    public int DriverData { get; set; } = -1;

    /// <summary>
    /// Called on the loop thread by each <see cref="IoDriver.Poll"/> that finds something of <see cref="Interest"/>, for as long as that lasts. Runs no code of users: it
    /// queues callbacks or completes operations, and may change the watch or end it.
    /// </summary>
    public abstract void OnReady(IoReadiness readiness);
}

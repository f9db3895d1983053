namespace Baton;

public sealed partial class EventLoop
{
    /// <summary>What looks names up for the loop; <see cref="EventLoopOptions.NameResolver"/> chooses it.</summary>
    public NameResolver NameResolver { get; }
}

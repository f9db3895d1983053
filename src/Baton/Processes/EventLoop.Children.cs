namespace Baton;

public sealed partial class EventLoop
{
    private ChildRegistry? _children;

    internal ChildRegistry Children => _children ??= new ChildRegistry(this);
}

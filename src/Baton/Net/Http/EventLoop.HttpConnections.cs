namespace Baton;

public sealed partial class EventLoop
{
    private HttpConnections? _httpConnections;

    internal HttpConnections HttpConnections => _httpConnections ??= new HttpConnections(this);
}

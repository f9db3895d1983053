using System.Net.Sockets;

namespace Baton.Oracle;

/// <summary>A driver without a world: it waits by moving its clock on, and stops the loop where it would have to wait for ever.</summary>
internal sealed class FakeDriver : IoDriver
{
    /// <summary>No scenario is that long.</summary>
    private const int MaximumPolls = 1_000_000;

    private readonly FakeClock _clock = new();
    private int _polls;

    public override string Name => "fake";

    public override LoopClock Clock => _clock;

    public EventLoop? Loop { get; set; }

    public override void Poll(long timeout)
    {
        if (++_polls > MaximumPolls)
        {
            throw new InvalidOperationException("The scenario does not end.");
        }

        if (timeout < 0)
        {
            Loop!.Stop();
        }
        else
        {
            _clock.Advance(timeout);
        }
    }

    public override void Wake()
    {
    }

    public override IoSocket CreateSocket(EventLoop loop, AddressFamily addressFamily, SocketType socketType, ProtocolType protocolType) =>
        throw new NotSupportedException("Scenarios do no I/O.");

    protected override void Dispose(bool disposing)
    {
    }

    private sealed class FakeClock : LoopClock
    {
        private long _now;

        public override long Now => _now;

        public void Advance(long nanoseconds) => _now += nanoseconds;
    }
}

namespace Baton.Soak.Workloads;

/// <summary>Every kind of work that there is.</summary>
public static class All
{
    /// <summary>Makes one of each.</summary>
    public static IReadOnlyList<Workload> Create() =>
    [
        .. Enum.GetValues<StreamKind>().Select(kind => new StreamWorkload(kind)),
        new SocketWorkload(),
        new ServerWorkload(),
        new TransportWorkload(),
        new HttpWorkload(),
        new NameWorkload(),
        new UdpWorkload(),
        new DatagramTransportWorkload(),
        new LocalDatagramWorkload(),
        new DescriptorWorkload(),
        new PipeWorkload(),
        new WatchWorkload(),
        new FileWorkload(),
        new ChildWorkload(),
        new ThreadWorkload(),
        new SignalWorkload(),
        new TimerWorkload(),
        new TaskWorkload(),
        new QueueWorkload(),
    ];
}

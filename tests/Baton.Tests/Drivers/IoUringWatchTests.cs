using System.IO.Pipes;

namespace Baton.Tests.Drivers;

/// <summary>Descriptors that are only watched, by polls that report once and are asked again.</summary>
public class IoUringWatchTests
{
    [Fact]
    public void A_watch_is_told_for_as_long_as_there_is_something() => ContractTest.Run(() => TestDriver.CreateForRings(), test =>
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.GetClientHandleAsString());
        var watch = new CountingWatch((int)client.SafePipeHandle.DangerousGetHandle());
        var driver = test.Driver;
        driver.Watch(watch, IoReadiness.Readable);
        driver.Poll(0);
        Assert.Equal(0, watch.Count);
        server.WriteByte(1);
        driver.Poll(0);
        driver.Poll(0);
        Assert.Equal(2, watch.Count);
        client.ReadByte();
        driver.Poll(0);
        driver.Poll(0);
        Assert.Equal(2, watch.Count);
        server.WriteByte(1);
        driver.Poll(-1);
        Assert.Equal(3, watch.Count);
        driver.Watch(watch, IoReadiness.None);
        driver.Poll(0);
        driver.Poll(0);
        Assert.Equal(3, watch.Count);
    });

    [Fact]
    public void A_watch_may_change_what_it_waits_for() => ContractTest.Run(() => TestDriver.CreateForRings(), test =>
    {
        var (foreign, ours) = IoUringDriverTests.ConnectForeign(test);
        using var one = foreign;
        using var two = ours;
        var watch = new CountingWatch((int)foreign.Handle);
        var driver = test.Driver;
        driver.Watch(watch, IoReadiness.Readable);
        driver.Poll(0);
        driver.Watch(watch, IoReadiness.Writable);
        driver.Poll(0);
        driver.Poll(0);
        Assert.InRange(watch.Count, 1, 2);
        Assert.Equal(IoReadiness.Writable, watch.Last);
        driver.Watch(watch, IoReadiness.Readable);
        var count = watch.Count;
        test.PollSome();
        Assert.Equal(count, watch.Count);
        ours.TrySend([1], out _);
        driver.Poll(-1);
        Assert.Equal(IoReadiness.Readable, watch.Last);
        Assert.Throws<InvalidOperationException>(() => driver.Watch(new CountingWatch((int)foreign.Handle), IoReadiness.Readable));
        Assert.Throws<InvalidOperationException>(() => driver.Watch(new CountingWatch((int)ours.Handle), IoReadiness.Readable));
        driver.Watch(watch, IoReadiness.None);
        driver.Watch(watch, IoReadiness.None);
    });

    [Fact]
    public void A_descriptor_whose_watch_ended_can_be_closed_at_once() => ContractTest.Run(() => TestDriver.CreateForRings(), test =>
    {
        var (foreign, ours) = IoUringDriverTests.ConnectForeign(test);
        using var two = ours;
        var watch = new CountingWatch((int)foreign.Handle);
        test.Driver.Watch(watch, IoReadiness.Readable);
        test.Driver.Poll(0);
        test.Driver.Watch(watch, IoReadiness.None);
        foreign.Close();
        Assert.Equal(0, ours.TryReceive(new byte[1], out var error));
        Assert.Equal(System.Net.Sockets.SocketError.Success, error);
    });

    [Fact]
    public void What_is_always_ready_or_not_open_cannot_be_watched() => ContractTest.Run(() => TestDriver.CreateForRings(), test =>
    {
        using var file = File.OpenHandle(typeof(IoUringWatchTests).Assembly.Location);
        Assert.Throws<ArgumentException>(() => test.Driver.Watch(new CountingWatch((int)file.DangerousGetHandle()), IoReadiness.Readable));
        Assert.Throws<ArgumentException>(() => test.Driver.Watch(new CountingWatch(1_000_000), IoReadiness.Readable));
    });

    private sealed class CountingWatch(int descriptor) : IoWatch(descriptor)
    {
        public int Count { get; private set; }

        public IoReadiness Last { get; private set; }

        public override void OnReady(IoReadiness readiness)
        {
            Count++;
            Last = readiness;
        }
    }
}

using System.IO.Pipes;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Baton.Tests.Drivers;

/// <summary>Pipes, and descriptors that are only watched.</summary>
public class EpollDescriptorTests
{
    [Fact]
    public void A_pipe_is_a_stream_of_one_direction() => NetTest.RunOnEpoll(async test =>
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.GetClientHandleAsString());
        var driver = EventLoop.Current.Driver;
        using var writer = driver.AdoptDescriptor(EventLoop.Current, TakeHandle(server.SafePipeHandle));
        using var reader = driver.AdoptDescriptor(EventLoop.Current, TakeHandle(client.SafePipeHandle));
        Assert.Equal((FileAccess.Write, FileAccess.Read), (writer.Access, reader.Access));
        Assert.Equal(0, reader.TryReceive(new byte[10], out var error));
        Assert.Equal(SocketError.WouldBlock, error);
        Assert.Equal(5, writer.TrySend("hello"u8, out _));
        reader.AssumeReadable();
        Assert.Equal(5, reader.TryReceive(new byte[10], out _));
        writer.Shutdown(SocketShutdown.Send);
        Assert.Equal(-1, writer.Handle);
        reader.AssumeReadable();
        Assert.Equal(0, reader.TryReceive(new byte[10], out error));
        Assert.Equal(SocketError.Success, error);
        await Coroutine.Yield();
    });

    [Fact]
    public void A_watch_is_told_for_as_long_as_there_is_something() => NetTest.RunOnEpoll(async test =>
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.GetClientHandleAsString());
        var driver = EventLoop.Current.Driver;
        var watch = new CountingWatch((int)client.SafePipeHandle.DangerousGetHandle());
        driver.Watch(watch, IoReadiness.Readable);
        driver.Poll(0);
        Assert.Equal(0, watch.Count);
        server.WriteByte(1);
        driver.Poll(0);
        driver.Poll(0);
        Assert.Equal(2, watch.Count);
        client.ReadByte();
        driver.Poll(0);
        Assert.Equal(2, watch.Count);
        driver.Watch(watch, IoReadiness.None);
        server.WriteByte(1);
        driver.Poll(0);
        Assert.Equal(2, watch.Count);
        await Coroutine.Yield();
    });

    private static SafeFileHandle TakeHandle(SafePipeHandle handle)
    {
        var taken = new SafeFileHandle(handle.DangerousGetHandle(), ownsHandle: true);
        handle.SetHandleAsInvalid();
        return taken;
    }

    private sealed class CountingWatch(int descriptor) : IoWatch(descriptor)
    {
        public int Count { get; private set; }

        public override void OnReady(IoReadiness readiness) => Count++;
    }
}

using System.Net.Sockets;
using Baton.Tests.Net.Pipes;

namespace Baton.Tests.Drivers;

// Pipes, and descriptors that are only watched.
public abstract partial class DriverContractTests
{
    [Fact]
    public void A_pipe_is_a_stream_of_one_direction() => Run(test =>
    {
        var (reader, writer) = OpenPipe(test);
        using var one = reader;
        Assert.Equal((FileAccess.Write, FileAccess.Read), (writer.Access, reader.Access));
        Assert.Equal((IoSocketKind.Pipe, IoSocketKind.Pipe), (writer.Kind, reader.Kind));
        Assert.Equal((SocketType.Stream, AddressFamily.Unspecified), (reader.SocketType, reader.AddressFamily));
        Assert.Null(reader.GetEndPoint(peer: true));
        Assert.Equal(0, reader.TryReceive(new byte[10], out var error));
        Assert.Equal(SocketError.WouldBlock, error);
        Assert.Equal(5, writer.TrySend(Hello, out _));
        Assert.Equal(Hello, test.Receive(reader, 5, out _));
        writer.Shutdown(SocketShutdown.Send);
        Assert.Equal(-1, writer.Handle);
        test.WaitToReceive(reader);
        Assert.Equal(0, reader.TryReceive(new byte[10], out error));
        Assert.Equal(SocketError.Success, error);
    });

    [Fact]
    public void A_receive_of_a_pipe_waits_and_gets_what_comes() => Run(test =>
    {
        var (reader, writer) = OpenPipe(test);
        using var one = reader;
        using var two = writer;
        for (var i = 0; i < 3; i++)
        {
            var buffer = new byte[10];
            var receive = test.Submit(reader, IoOperationKind.Receive, buffer);
            test.PollSome();
            Assert.False(receive.IsFinished);
            writer.TrySend(Hello, out _);
            test.PollUntil(receive);
            Assert.Equal((SocketError.Success, 5, 1), (receive.Error, receive.BytesTransferred, receive.Finishes));
            Assert.Equal(Hello, buffer[..5]);
        }
    });

    [Fact]
    public void A_pipe_that_is_full_has_room_once_it_is_read() => Run(test =>
    {
        var (reader, writer) = OpenPipe(test);
        using var one = reader;
        using var two = writer;
        var filled = 0;
        while (writer.TrySend(new byte[4096], out _) is > 0 and var count)
        {
            filled += count;
        }

        var wait = test.Submit(writer, IoOperationKind.WaitToSend);
        test.PollSome();
        Assert.False(wait.IsFinished);
        Assert.Equal(filled, test.Receive(reader, filled, out _).Length);
        test.PollUntil(wait);
        var send = new ContractRequest(test.Loop)
        {
            Kind = IoOperationKind.SendVectored,
            Buffers = [Hello, Hello],
            BufferCount = 2,
        };
        send.Submit(writer);
        test.PollUntil(send);
        Assert.Equal((SocketError.Success, 10), (send.Error, send.BytesTransferred));
        Assert.Equal(10, test.Receive(reader, 10, out _).Length);
    });

    [Fact]
    public void A_wait_at_the_writing_end_tells_that_the_reader_has_gone() => Run(test =>
    {
        var (reader, writer) = OpenPipe(test);
        using var two = writer;
        var wait = test.Submit(writer, IoOperationKind.Receive);
        writer.TrySend(Hello, out _);
        test.PollSome();
        Assert.False(wait.IsFinished);
        Assert.Equal(0, writer.TryReceive(new byte[10], out var error));
        Assert.Equal(SocketError.WouldBlock, error);
        reader.Dispose();
        test.PollUntil(wait);
        Assert.Equal(SocketError.Success, wait.Error);
        Assert.Equal(0, writer.TryReceive(new byte[10], out error));
        Assert.Equal(SocketError.Success, error);
        Assert.Equal(0, writer.TrySend(Hello, out error));
        Assert.Equal(SocketError.Shutdown, error);
    });

    [Fact]
    public void A_request_on_a_pipe_that_is_cancelled_or_closed_is_finished_once() => Run(test =>
    {
        var (reader, writer) = OpenPipe(test);
        using var one = reader;
        for (var i = 0; i < 3; i++)
        {
            var cancelled = test.Submit(reader, IoOperationKind.Receive);
            reader.Cancel(cancelled);
            Assert.Equal((SocketError.OperationAborted, 1), (cancelled.Error, cancelled.Finishes));
        }

        // One after a wait that was let go of.
        var receive = test.Submit(reader, IoOperationKind.Receive, new byte[10]);
        writer.TrySend(Hello, out _);
        test.PollUntil(receive);
        Assert.Equal(5, receive.BytesTransferred);
        receive = test.Submit(reader, IoOperationKind.Receive);
        var other = test.Submit(writer, IoOperationKind.Receive);
        reader.Dispose();
        writer.Dispose();
        test.PollSome();
        Assert.Equal((SocketError.OperationAborted, 1), (receive.Error, receive.Finishes));
        Assert.Equal(1, other.Finishes);
    });

    [Fact]
    public void What_is_no_stream_is_not_adopted() => Run(test =>
    {
        using var file = File.OpenHandle(typeof(DriverContractTests).Assembly.Location);
        Assert.Throws<ArgumentException>(() => test.Driver.AdoptDescriptor(test.Loop, file));
        Assert.False(file.IsClosed);
        var (reader, writer) = LoopPipe.CreateHandles();
        using var one = reader;
        writer.Dispose();
        Assert.Throws<ArgumentException>(() => test.Driver.AdoptDescriptor(test.Loop, reader, FileAccess.Write));
        Assert.False(reader.IsClosed);
        Assert.Throws<ObjectDisposedException>(() => test.Driver.AdoptDescriptor(test.Loop, writer));
    });

    [Fact]
    public void A_watch_is_told_for_as_long_as_there_is_something() => Run(test =>
    {
        using var pipe = new RawPipe();
        var watch = new CountingWatch(pipe.ReaderNumber);
        test.Driver.Watch(watch, IoReadiness.Readable);
        Assert.Equal(IoReadiness.Readable, watch.Interest);
        test.PollSome();
        Assert.Equal(0, watch.Count);
        pipe.Write("x"u8);
        test.PollUntil(() => watch.Count >= 3);
        pipe.Read();
        test.PollSome();
        var count = watch.Count;
        test.PollSome();
        Assert.Equal(count, watch.Count);
        test.Driver.Watch(watch, IoReadiness.None);
        Assert.Equal(IoReadiness.None, watch.Interest);
        pipe.Write("x"u8);
        test.PollSome();
        Assert.Equal(count, watch.Count);
        test.Driver.Watch(watch, IoReadiness.None);
        test.Driver.Watch(watch, IoReadiness.Readable);
        test.PollUntil(() => watch.Count > count);
        test.Driver.Watch(watch, IoReadiness.None);
    });

    [Fact]
    public void A_watch_is_told_of_what_it_wants_alone() => Run(test =>
    {
        var (first, second) = LoopPipe.CreateHandles();
        using var one = first;
        using var two = second;
        var watch = new CountingWatch((int)second.DangerousGetHandle());
        test.Driver.Watch(watch, IoReadiness.Readable | IoReadiness.Writable);
        test.PollUntil(() => watch.Count >= 2);
        Assert.Equal(IoReadiness.Writable, watch.Told);
        test.Driver.Watch(watch, IoReadiness.Readable);
        test.PollSome();
        var count = watch.Count;
        test.PollSome();
        Assert.Equal(count, watch.Count);

        // That nobody reads any more counts as both.
        first.Dispose();
        test.PollUntil(() => watch.Count > count);
        Assert.Equal(IoReadiness.Readable | IoReadiness.Writable, watch.Told);
        test.Driver.Watch(watch, IoReadiness.None);
    });

    [Fact]
    public void A_watch_may_end_itself_and_others_when_it_is_told() => Run(test =>
    {
        using var one = new RawPipe();
        using var two = new RawPipe();
        one.Write("x"u8);
        two.Write("x"u8);
        CountingWatch[] watches = [new(one.ReaderNumber), new(two.ReaderNumber)];
        foreach (var watch in watches)
        {
            watch.Told = IoReadiness.None;
            watch.OnTold = () => Array.ForEach(watches, other => test.Driver.Watch(other, IoReadiness.None));
            test.Driver.Watch(watch, IoReadiness.Readable);
        }

        test.PollUntil(() => watches.Sum(watch => watch.Count) > 0);
        test.PollSome();
        Assert.Equal(1, watches.Sum(watch => watch.Count));
    });

    [Fact]
    public void What_cannot_be_watched_is_refused() => Run(test =>
    {
        using var file = File.OpenHandle(typeof(DriverContractTests).Assembly.Location);
        AssertRefused<ArgumentException>((int)file.DangerousGetHandle());
        AssertRefused<ArgumentException>(1_000_000);
        using var socket = test.CreateSocket();
        AssertRefused<InvalidOperationException>((int)socket.Handle);
        var (reader, writer) = OpenPipe(test);
        AssertRefused<InvalidOperationException>((int)reader.Handle);
        reader.Dispose();
        writer.Dispose();
        using var pipe = new RawPipe();
        var watch = new CountingWatch(pipe.ReaderNumber);
        test.Driver.Watch(watch, IoReadiness.Readable);
        AssertRefused<InvalidOperationException>(pipe.ReaderNumber);
        pipe.Write("x"u8);
        test.PollUntil(() => watch.Count > 0);
        test.Driver.Watch(watch, IoReadiness.None);

        void AssertRefused<TException>(int descriptor)
            where TException : Exception
        {
            var refused = new CountingWatch(descriptor);
            Assert.Throws<TException>(() => test.Driver.Watch(refused, IoReadiness.Readable));
            Assert.Equal(IoReadiness.None, refused.Interest);
            test.Driver.Watch(refused, IoReadiness.None);
        }
    });

    [Fact]
    public void A_descriptor_that_was_closed_is_watched_anew_under_its_number() => Run(test =>
    {
        var pipe = new RawPipe();
        var number = pipe.ReaderNumber;
        var watch = new CountingWatch(number);
        test.Driver.Watch(watch, IoReadiness.Readable);
        test.PollSome();
        pipe.Dispose();
        test.PollSome();
        using var next = new RawPipe();
        if (next.ReaderNumber == number)
        {
            next.Write("x"u8);
            test.Driver.Watch(watch, IoReadiness.Readable);
            test.PollUntil(() => watch.Count >= 2);
        }

        test.Driver.Watch(watch, IoReadiness.None);
    });

    [Fact]
    public void A_driver_that_is_disposed_watches_nothing_more() => Run(test =>
    {
        using var pipe = new RawPipe();
        using var driver = CreateDriver();
        var watch = new CountingWatch(pipe.ReaderNumber);
        driver.Watch(watch, IoReadiness.Readable);
        driver.Dispose();
        driver.Watch(watch, IoReadiness.None);
        Assert.Throws<ObjectDisposedException>(() => driver.Watch(watch, IoReadiness.Readable));
        Assert.Throws<ObjectDisposedException>(() => driver.AdoptDescriptor(test.Loop, pipe.Reader));
    });

    private static (IoSocket Reader, IoSocket Writer) OpenPipe(ContractTest test)
    {
        var (reader, writer) = LoopPipe.CreateHandles();
        return (test.Driver.AdoptDescriptor(test.Loop, reader), test.Driver.AdoptDescriptor(test.Loop, writer));
    }

    private sealed class CountingWatch(int descriptor) : IoWatch(descriptor)
    {
        public int Count { get; private set; }

        public IoReadiness Told { get; set; }

        public Action? OnTold { get; set; }

        public override void OnReady(IoReadiness readiness)
        {
            Count++;
            Told |= readiness;
            OnTold?.Invoke();
        }
    }
}

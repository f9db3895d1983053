using System.IO.Pipes;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Baton.Tests.Net.Pipes;

/// <summary>Connections over pipes.</summary>
public class PipeConnectionTests
{
    [Fact]
    public void A_pipe_carries_bytes_one_way_to_their_end() => NetTest.Run(async () =>
    {
        var (reader, writer) = Connection.CreatePipe();
        Assert.Equal((FileAccess.Read, FileAccess.Write), (reader.Access, writer.Access));
        var bytes = NetTest.Pattern(3 << 20);
        var write = Coroutine.Start(Write());
        Assert.Equal(bytes, await reader.Input.ReadExactlyAsync(bytes.Length));
        Assert.Null(await reader.Input.ReadLineAsync());
        await write;
        await reader.CloseAsync();

        async Coroutine Write()
        {
            await writer.WriteAsync(bytes);
            await writer.CompleteOutputAsync();
        }
    });

    [Fact]
    public void It_is_named_by_its_descriptor() => NetTest.Run(async () =>
    {
        var (reader, writer) = Connection.CreatePipe();
        Assert.Equal($"pipe {reader.Handle}", reader.ToString());
        Assert.Equal((null, null), (reader.LocalEndPoint, reader.RemoteEndPoint));
        var name = writer.ToString();
        await reader.CloseAsync();
        var exception = await Assert.ThrowsAsync<IOException>(async () => await writer.WriteAsync("x"u8.ToArray()));
        Assert.StartsWith($"The {name} failed. Sending failed: ", exception.Message, StringComparison.Ordinal);
        await writer.CloseAsync();
        Assert.Equal(name, writer.ToString());
    });

    [Fact]
    public void The_reading_end_cannot_be_written_to() => NetTest.Run(async () =>
    {
        var (reader, writer) = Connection.CreatePipe();
        await using var one = reader;
        await using var two = writer;
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(async () => await reader.WriteAsync("x"u8.ToArray()));
        Assert.Equal($"The {reader} is the reading end: nothing can be written to it.", exception.Message);
        Assert.Throws<InvalidOperationException>(() => reader.Output.GetMemory());
        await reader.CompleteOutputAsync();
        Assert.False(reader.IsClosed);
        Assert.False(reader.AsStream().CanWrite);
        Assert.False(writer.AsStream().CanRead);
    });

    [Fact]
    public void The_input_of_a_writer_ends_when_nobody_can_read_any_more() => NetTest.Run(async () =>
    {
        var (reader, writer) = Connection.CreatePipe();
        var end = Coroutine.Start(ReadToEnd.Count(writer));
        await NetTest.Iterate();
        Assert.False(end.IsDone);
        await writer.WriteAsync("x"u8.ToArray());
        await NetTest.Polls(2);
        Assert.False(end.IsDone);
        await reader.CloseAsync();
        Assert.Equal(0, await end);
        await writer.CloseAsync();
    });

    [Fact]
    public void A_writer_that_is_completed_closes_in_good_order() => NetTest.Run(async () =>
    {
        var (reader, writer) = Connection.CreatePipe();
        var end = Coroutine.Start(ReadToEnd.Count(writer));
        await NetTest.Iterate();
        await writer.WriteAsync("last"u8.ToArray());
        await writer.CompleteOutputAsync();
        Assert.True(writer.IsClosed);
        Assert.Equal(0, await end);
        Assert.True((await writer.Input.ReadAsync()).IsCompleted);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await writer.WriteAsync("x"u8.ToArray()));
        await writer.CloseAsync();
        Assert.Equal(4, await ReadToEnd.Count(reader));
        await reader.CloseAsync();
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_waits_for_room_is_sent_before_the_end(bool isCompleted) => NetTest.Run(async () =>
    {
        var (reader, writer) = Connection.CreatePipe();
        var bytes = NetTest.Pattern(1 << 20);
        var write = Coroutine.Start(Write());
        await NetTest.Polls(2);
        Assert.False(write.IsDone);
        Assert.Equal(bytes.Length, await ReadToEnd.Count(reader));
        await write;
        Assert.True(writer.IsClosed);
        await reader.CloseAsync();

        async Coroutine Write()
        {
            bytes.CopyTo(writer.Output.GetMemory(bytes.Length));
            writer.Output.Advance(bytes.Length);
            await (isCompleted ? writer.CompleteOutputAsync() : writer.CloseAsync());
        }
    });

    [Fact]
    public void A_writer_that_is_aborted_drops_what_waits() => NetTest.Run(async () =>
    {
        var (reader, writer) = Connection.CreatePipe();
        var write = Coroutine.Start(Write());
        await NetTest.Polls(2);
        writer.Abort();
        await Assert.ThrowsAsync<IOException>(async () => await write);
        Assert.InRange(await ReadToEnd.Count(reader), 1, (1 << 20) - 1);
        await reader.CloseAsync();

        async Coroutine Write() => await writer.WriteAsync(new byte[1 << 20]);
    });

    [Fact]
    public void To_read_at_the_writing_end_and_be_cancelled_leaves_nothing() => NetTest.Run(async () =>
    {
        var (reader, writer) = Connection.CreatePipe();
        foreach (var connection in new[] { reader, writer })
        {
            var read = Coroutine.Start(ReadToEnd.Count(connection));
            await NetTest.Polls(2);
            read.Cancel();
            await NetTest.AssertCancelled(read);
        }

        await writer.WriteAsync("x"u8.ToArray());
        await writer.CloseAsync();
        Assert.Equal(1, await ReadToEnd.Count(reader));
        await reader.CloseAsync();
    });

    [Fact]
    public void Pipes_of_the_BCL_are_adopted() => NetTest.Run(async () =>
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        await using var reader = Connection.FromHandle(server.ClientSafePipeHandle);
        Assert.True(server.ClientSafePipeHandle.IsClosed);
        await using (var writer = Connection.FromHandle(server.SafePipeHandle))
        {
            await writer.WriteAsync("hello"u8.ToArray());
        }

        Assert.Equal(5, await ReadToEnd.Count(reader));
    });

    [Fact]
    public void Ends_for_others_block_and_ours_do_not() => NetTest.Run(async () =>
    {
        var (reader, theirs) = LoopPipe.CreateReader();
        Assert.False(Descriptors.IsNonBlocking(theirs));
        Assert.True(Descriptors.IsNonBlocking(reader.Handle));
        Assert.True(Descriptors.IsClosedOnExec(theirs));
        Assert.True(Descriptors.IsClosedOnExec(reader.Handle));
        RandomAccessWrite(theirs, "abc"u8);
        theirs.Dispose();
        Assert.Equal(3, await ReadToEnd.Count(reader));
        await reader.CloseAsync();
        var (other, writer) = LoopPipe.CreateWriter();
        await writer.WriteAsync("abcd"u8.ToArray());
        await writer.CloseAsync();
        using var stream = new FileStream(other, FileAccess.Read, 0);
        Assert.Equal(4, stream.Read(new byte[10]));
        Assert.Equal(0, stream.Read(new byte[10]));
    });

    [Fact]
    public void A_regular_file_is_refused_and_stays_the_callers() => NetTest.Run(async () =>
    {
        using var handle = File.OpenHandle(typeof(PipeConnectionTests).Assembly.Location);
        var exception = Assert.Throws<ArgumentException>(() => Connection.FromHandle(handle));
        Assert.Contains("A regular file or directory is always ready", exception.Message, StringComparison.Ordinal);
        Assert.False(handle.IsClosed);
        await Coroutine.Yield();
    });

    [Fact]
    public void A_direction_that_there_is_not_is_refused() => NetTest.Run(async () =>
    {
        var (reader, writer) = LoopPipe.CreateHandles();
        using var one = reader;
        using var two = writer;
        var exception = Assert.Throws<ArgumentException>(() => Connection.FromHandle(reader, FileAccess.Write));
        Assert.Contains("was opened for reading, not for writing", exception.Message, StringComparison.Ordinal);
        Assert.False(reader.IsClosed);
        Assert.Throws<ObjectDisposedException>(() =>
        {
            writer.Dispose();
            Connection.FromHandle(writer);
        });
        await Coroutine.Yield();
    });

    [Fact]
    public void A_socket_is_adopted_as_one() => NetTest.Run(async () =>
    {
        var (first, second) = LoopSocket.CreatePair();
        var handle = first.Detach().SafeHandle;
        await using var connection = Connection.FromHandle(new SafeFileHandle(handle.DangerousGetHandle(), ownsHandle: true));
        handle.SetHandleAsInvalid();
        await using var peer = new Connection(second);
        await connection.WriteAsync("hello"u8.ToArray());
        await connection.CompleteOutputAsync();
        Assert.Equal(5, await ReadToEnd.Count(peer));
        await peer.WriteAsync("hi"u8.ToArray());
        await peer.CompleteOutputAsync();
        Assert.Equal(2, await ReadToEnd.Count(connection));
    });

    [Fact]
    public void A_socket_of_one_direction_leaves_the_other_alone() => NetTest.Run(async () =>
    {
        using var listener = NetTest.Listen();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(listener.LocalEndPoint!);
        await using var peer = new Connection(await listener.AcceptAsync());
        var number = (int)socket.Handle;
        var input = Connection.FromHandle(Descriptors.Borrow(number), FileAccess.Read);
        var output = Connection.FromHandle(Descriptors.Borrow(number), FileAccess.Write);
        Assert.Equal($"socket {input.Handle}", input.ToString());
        await output.WriteAsync("hello"u8.ToArray());
        Assert.Equal(5, (await peer.Input.ReadAtLeastAsync(5)).Buffer.Length);
        peer.Input.AdvanceTo(default);
        await output.CompleteOutputAsync();
        Assert.True(Descriptors.IsNonBlocking(number));
        await peer.WriteAsync("hi"u8.ToArray());
        Assert.Equal(2, (await input.Input.ReadAtLeastAsync(2)).Buffer.Length);
        await input.CloseAsync();
        Assert.False(Descriptors.IsNonBlocking(number));
        socket.Send("more"u8);
    });

    [Fact]
    public void An_end_whose_other_end_has_gone_before_is_told_of_the_end() => NetTest.Run(async () =>
    {
        var (reader, writer) = LoopPipe.CreateHandles();
        writer.Dispose();
        await using var connection = Connection.FromHandle(reader);

        // A read without a buffer waits, before any other has looked.
        Assert.Equal(0, await connection.AsStream().ReadAsync(Memory<byte>.Empty));
        Assert.Equal(0, await ReadToEnd.Count(connection));
    });

    private static void RandomAccessWrite(SafeFileHandle handle, ReadOnlySpan<byte> bytes)
    {
        using var borrowed = new SafeFileHandle(handle.DangerousGetHandle(), ownsHandle: false);
        using var stream = new FileStream(borrowed, FileAccess.Write, 0);
        stream.Write(bytes);
    }
}

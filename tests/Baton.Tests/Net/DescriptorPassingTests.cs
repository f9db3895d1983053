using System.Net.Sockets;
using System.Text;
using Baton.Drivers;
using Microsoft.Win32.SafeHandles;

namespace Baton.Tests.Net;

/// <summary>
/// Descriptors that travel through local sockets and connections: they arrive, they are the receiver's, and none is left behind.
/// </summary>
public class DescriptorPassingTests
{
    [Fact]
    public void A_file_goes_through_a_stream_with_its_bytes() => RunOnLinux(async _ =>
    {
        using var path = new SocketPath();
        await File.WriteAllTextAsync(path.Path, "inside");
        var (first, second) = LoopSocket.CreatePair();
        using (first)
        using (second)
        {
            var receiving = Coroutine.Start(second.ReceiveDescriptorsAsync(new byte[16]));
            await NetTest.Iterate();
            using (var file = File.OpenHandle(path.Path))
            {
                await first.SendDescriptorsAsync("take"u8.ToArray(), file);
            }

            using var message = await receiving;
            Assert.Equal(4, message.Length);
            Assert.Equal(1, message.DescriptorCount);
            Assert.False(message.AreDescriptorsLost);
            using var received = message.TakeFile(0);
            Assert.Equal("inside", Read(received));
            Assert.Throws<InvalidOperationException>(() => message.TakeFile(0));
            Assert.Throws<ArgumentOutOfRangeException>(() => message.TakeFile(1));
        }
    });

    [Fact]
    public void A_socket_goes_through_a_connection_and_is_served_at_the_other_side() => RunOnLinux(async _ =>
    {
        using var path = new SocketPath();
        await using var server = await Server.StartAsync(path.EndPoint, async Coroutine (connection) =>
        {
            using var message = await connection.ReceiveDescriptorsAsync(new byte[16]);
            await using var passed = new Connection(LoopSocket.FromHandle(message.TakeSocket(0)));
            await passed.WriteAsync("from the server\n"u8.ToArray());
        });
        var (mine, theirs) = LoopSocket.CreatePair();
        await using var reader = new Connection(mine);
        await using (var client = await Connection.ConnectAsync(path.EndPoint))
        {
            using var passing = theirs.Detach();
            await client.SendDescriptorsAsync("s"u8.ToArray(), passing.SafeHandle);
        }

        Assert.Equal("from the server", await reader.Input.ReadLineAsync());
        Assert.Null(await reader.Input.ReadLineAsync());
    });

    [Theory]
    [InlineData(SocketType.Dgram)]
    [InlineData(SocketType.Seqpacket)]
    public void Datagrams_carry_descriptors_too_and_may_be_empty(SocketType type) => RunOnLinux(async _ =>
    {
        var (first, second) = LoopSocket.CreatePair(type);
        using (first)
        using (second)
        using (var file = OpenNull())
        {
            await first.SendDescriptorsAsync(new byte[] { 1, 2, 3 }, file, file);
            await first.SendDescriptorsAsync(ReadOnlyMemory<byte>.Empty, file);
            using (var message = await second.ReceiveDescriptorsAsync(new byte[2]))
            {
                Assert.Equal((2, 2, true), (message.Length, message.DescriptorCount, message.IsTruncated));
            }

            using (var message = await second.ReceiveDescriptorsAsync(new byte[2]))
            {
                Assert.Equal((0, 1, false), (message.Length, message.DescriptorCount, message.IsTruncated));
            }
        }
    });

    [Fact]
    public void A_receive_ends_with_the_bytes_that_had_descriptors() => RunOnLinux(async _ =>
    {
        var (first, second) = LoopSocket.CreatePair();
        using (first)
        using (second)
        using (var file = OpenNull())
        {
            await first.SendAllAsync("before+"u8.ToArray());
            await first.SendDescriptorsAsync("with"u8.ToArray(), file);
            await first.SendDescriptorsAsync("with too"u8.ToArray(), file, file);
            await first.SendAllAsync("after"u8.ToArray());
            Assert.Equal(("before+with", 1), await ReceiveText(second));
            Assert.Equal(("with too", 2), await ReceiveText(second));
            Assert.Equal(("after", 0), await ReceiveText(second));
        }
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void More_descriptors_than_there_is_room_for_are_closed_and_that_is_said(int room) => RunOnLinux(async _ =>
    {
        var (first, second) = LoopSocket.CreatePair();
        using (first)
        using (second)
        {
            var (inner, outer) = LoopSocket.CreatePair();
            using (outer)
            {
                using (var handle = inner.Detach())
                {
                    await first.SendDescriptorsAsync(new byte[1], handle.SafeHandle, handle.SafeHandle, handle.SafeHandle);
                }

                using (var message = await second.ReceiveDescriptorsAsync(new byte[8], room))
                {
                    Assert.Equal((1, room, true), (message.Length, message.DescriptorCount, message.AreDescriptorsLost));
                }

                // Nobody has the socket any more, neither those that were lost nor those that nobody took.
                Assert.Equal(0, await outer.ReceiveAsync(new byte[1]));
            }
        }
    });

    [Fact]
    public void The_most_that_one_message_takes_arrives_and_more_is_refused() => RunOnLinux(async _ =>
    {
        const int Most = LinuxSocketCalls.MaximumDescriptors;
        var (first, second) = LoopSocket.CreatePair();
        using (first)
        using (second)
        using (var file = OpenNull())
        {
            await first.SendDescriptorsAsync(new byte[1], Enumerable.Repeat(file, Most).ToArray());
            using var message = await second.ReceiveDescriptorsAsync(new byte[8], Most);
            Assert.Equal((Most, false), (message.DescriptorCount, message.AreDescriptorsLost));
            var failure = await Assert.ThrowsAsync<ArgumentException>(
                async () => await first.SendDescriptorsAsync(new byte[1], Enumerable.Repeat(file, Most + 1).ToArray()));
            Assert.Contains("253", failure.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await second.ReceiveDescriptorsAsync(new byte[1], Most + 1));
        }
    });

    [Fact]
    public void What_a_receive_in_another_way_takes_has_lost_its_descriptors() => RunOnLinux(async _ =>
    {
        var (first, second) = LoopSocket.CreatePair();
        using (first)
        using (second)
        {
            var (inner, outer) = LoopSocket.CreatePair();
            using (outer)
            {
                using (var handle = inner.Detach())
                {
                    await first.SendDescriptorsAsync(new byte[1], handle.SafeHandle);
                }

                Assert.Equal(1, await second.ReceiveAsync(new byte[8]));
                Assert.Equal(0, await outer.ReceiveAsync(new byte[1]));
            }
        }
    });

    [Fact]
    public void A_send_waits_for_room_and_a_cancelled_one_has_sent_nothing() => RunOnLinux(async _ =>
    {
        var (first, second) = LoopSocket.CreatePair();
        using (first)
        using (second)
        using (var file = OpenNull())
        {
            var filled = await NetTest.Fill(first);
            var cancelled = Coroutine.Start(first.SendDescriptorsAsync("no"u8.ToArray(), file));
            await NetTest.Iterate();
            cancelled.Cancel();
            await NetTest.AssertCancelled(cancelled);

            var waiting = Coroutine.Start(first.SendDescriptorsAsync("yes"u8.ToArray(), file));
            await NetTest.Iterate();
            Assert.False(waiting.IsDone);
            await NetTest.ReceiveAll(second, filled);
            await waiting;
            Assert.Equal(("yes", 1), await ReceiveText(second));
        }
    });

    [Fact]
    public void A_connection_sends_what_it_holds_first_and_waits_for_room() => RunOnLinux(async _ =>
    {
        var (first, second) = Connection.CreatePair();
        await using (first)
        await using (second)
        using (var file = OpenNull())
        {
            var much = NetTest.Pattern(4 << 20);
            var writing = Coroutine.Start(WriteAsync(first, much));
            var cancelled = Coroutine.Start(first.SendDescriptorsAsync("no"u8.ToArray(), file));
            var passing = Coroutine.Start(first.SendDescriptorsAsync("yes"u8.ToArray(), file));
            await NetTest.Iterate();
            cancelled.Cancel();
            await NetTest.AssertCancelled(cancelled);
            Assert.False(passing.IsDone);
            var received = new byte[much.Length + 3];
            var length = 0;
            var descriptors = 0;
            while (length < received.Length)
            {
                using var message = await second.ReceiveDescriptorsAsync(received.AsMemory(length));
                length += message.Length;
                descriptors += message.DescriptorCount;
                Assert.Equal(message.DescriptorCount > 0, length == received.Length);
            }

            await writing;
            await passing;
            Assert.Equal(1, descriptors);
            Assert.Equal([.. much, .. "yes"u8], received);
        }
    });

    [Fact]
    public void A_connection_without_room_and_without_a_queue_waits_too() => RunOnLinux(async _ =>
    {
        var (inner, outer) = LoopSocket.CreatePair();
        var filled = await NetTest.Fill(inner);
        await using var first = new Connection(inner);
        using (outer)
        using (var file = OpenNull())
        {
            var one = Coroutine.Start(first.SendDescriptorsAsync("1"u8.ToArray(), file));
            var cancelled = Coroutine.Start(first.SendDescriptorsAsync("2"u8.ToArray(), file));
            await NetTest.Iterate();
            cancelled.Cancel();
            await NetTest.AssertCancelled(cancelled);
            var writing = Coroutine.Start(WriteAsync(first, "3"u8.ToArray()));
            await NetTest.Iterate();
            Assert.False(one.IsDone || writing.IsDone);
            await NetTest.ReceiveAll(outer, filled);
            await one;
            await writing;
            var received = 0;
            var descriptors = 0;
            while (received < 2)
            {
                using var message = await outer.ReceiveDescriptorsAsync(new byte[8]);
                received += message.Length;
                descriptors += message.DescriptorCount;
            }

            Assert.Equal(1, descriptors);
        }
    });

    [Fact]
    public void A_connection_that_is_closed_meanwhile_tells_both_sides_of_the_wait() => RunOnLinux(async _ =>
    {
        var (inner, outer) = LoopSocket.CreatePair();
        await NetTest.Fill(inner);
        var first = new Connection(inner);
        using (outer)
        using (var file = OpenNull())
        {
            var sending = Coroutine.Start(first.SendDescriptorsAsync("1"u8.ToArray(), file));
            var receiving = Coroutine.Start(first.ReceiveDescriptorsAsync(new byte[1]));
            await NetTest.Iterate();
            first.Abort();
            await Assert.ThrowsAsync<IOException>(async () => await sending);
            await Assert.ThrowsAsync<IOException>(async () => await receiving);
        }
    });

    [Fact]
    public void A_receive_that_is_cancelled_takes_nothing() => RunOnLinux(async _ =>
    {
        var (first, second) = LoopSocket.CreatePair();
        await using var connection = new Connection(second);
        using (first)
        using (var file = OpenNull())
        {
            var cancelled = Coroutine.Start(connection.ReceiveDescriptorsAsync(new byte[8]));
            await NetTest.Iterate();
            cancelled.Cancel();
            await NetTest.AssertCancelled(cancelled);
            await first.SendDescriptorsAsync("x"u8.ToArray(), file);
            using var message = await connection.ReceiveDescriptorsAsync(new byte[8]);
            Assert.Equal((1, 1), (message.Length, message.DescriptorCount));
            first.Dispose();
            using var end = await connection.ReceiveDescriptorsAsync(new byte[8]);
            Assert.Equal((0, 0), (end.Length, end.DescriptorCount));
        }
    });

    [Fact]
    public void A_connection_whose_input_holds_bytes_refuses_to_receive_past_them() => RunOnLinux(async _ =>
    {
        var (first, second) = Connection.CreatePair();
        await using (first)
        await using (second)
        {
            await first.WriteAsync("two\nlines\n"u8.ToArray());
            Assert.Equal("two", await second.Input.ReadLineAsync());
            var failure = await Assert.ThrowsAsync<InvalidOperationException>(
                async () => await second.ReceiveDescriptorsAsync(new byte[1]));
            Assert.Contains("holds 6 bytes", failure.Message, StringComparison.Ordinal);
            Assert.Equal("lines", await second.Input.ReadLineAsync());
            var reading = Coroutine.Start(second.Input.ReadLineAsync());
            await NetTest.Iterate();
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await second.ReceiveDescriptorsAsync(new byte[1]));
            await first.WriteAsync("\n"u8.ToArray());
            await reading;
        }
    });

    [Fact]
    public void What_cannot_be_passed_is_refused_with_its_reason() => RunOnLinux(async _ =>
    {
        var (client, server) = await NetTest.Connect();
        await using (client)
        await using (server)
        using (var file = OpenNull())
        {
            var failure = await Assert.ThrowsAsync<SocketException>(async () => await client.SendDescriptorsAsync(new byte[1], file));
            Assert.Contains("InterNetwork", failure.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveDescriptorsAsync(new byte[1]));
        }

        var (first, second) = LoopSocket.CreatePair();
        using (first)
        using (second)
        {
            var closed = OpenNull();
            closed.Dispose();
            await Assert.ThrowsAsync<ObjectDisposedException>(async () => await first.SendDescriptorsAsync(new byte[1], closed));
            await Assert.ThrowsAsync<ArgumentNullException>(async () => await first.SendDescriptorsAsync(new byte[1], [null!]));
            await Assert.ThrowsAsync<ArgumentException>(async () => await first.SendDescriptorsAsync(ReadOnlyMemory<byte>.Empty, []));
            await Assert.ThrowsAsync<ArgumentException>(async () => await first.ReceiveDescriptorsAsync(Memory<byte>.Empty));
            second.Dispose();
            var failure = await Assert.ThrowsAsync<SocketException>(async () => await first.SendDescriptorsAsync(new byte[1], []));
            Assert.Equal(SocketError.Shutdown, failure.SocketErrorCode);
        }

        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await first.SendDescriptorsAsync(new byte[1], []));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await first.ReceiveDescriptorsAsync(new byte[1]));
    });

    [Fact]
    public void Interrupted_and_short_calls_lose_neither_bytes_nor_descriptors() => RunOnLinux(async test =>
    {
        var (first, second) = LoopSocket.CreatePair();
        using (first)
        using (second)
        using (var file = OpenNull())
        {
            var sends = 0;
            test.Calls.OnSendDescriptors = (_, _) => sends++ == 0 ? -Errno.EINTR : 2;
            var receives = 0;
            test.Calls.OnReceiveDescriptors = _ => receives++ == 0 ? -Errno.EINTR : null;
            await first.SendDescriptorsAsync("split"u8.ToArray(), file);
            var buffer = new byte[8];
            using var message = await second.ReceiveDescriptorsAsync(buffer);
            Assert.Equal(1, message.DescriptorCount);
            var rest = await NetTest.ReceiveAll(second, 5 - message.Length);
            Assert.Equal("split", Encoding.UTF8.GetString([.. buffer[..message.Length], .. rest]));
            test.Calls.OnSendDescriptors = (_, _) => -Errno.ENOBUFS;
            var failure = await Assert.ThrowsAsync<SocketException>(async () => await first.SendDescriptorsAsync(new byte[1], file));
            Assert.Equal(SocketError.NoBufferSpaceAvailable, failure.SocketErrorCode);
            test.Calls.OnReceiveDescriptors = _ => -Errno.ENOMEM;
            failure = await Assert.ThrowsAsync<SocketException>(async () => await second.ReceiveDescriptorsAsync(new byte[1]));
            Assert.StartsWith("The receive of descriptors on socket ", failure.Message, StringComparison.Ordinal);
        }
    });

    private static void RunOnLinux(Func<NetTest, Coroutine> main)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Descriptors can be passed on Linux only.");
        NetTest.RunOnEpoll(main);
    }

    private static async Coroutine WriteAsync(Connection connection, byte[] bytes) => await connection.WriteAsync(bytes);

    private static async Coroutine<(string Text, int Descriptors)> ReceiveText(LoopSocket socket)
    {
        var buffer = new byte[64];
        using var message = await socket.ReceiveDescriptorsAsync(buffer);
        return (Encoding.UTF8.GetString(buffer, 0, message.Length), message.DescriptorCount);
    }

    private static SafeFileHandle OpenNull() => File.OpenHandle("/dev/null");

    private static string Read(SafeFileHandle file)
    {
        var buffer = new byte[64];
        return Encoding.UTF8.GetString(buffer, 0, RandomAccess.Read(file, buffer, 0));
    }
}

using System.Net.Sockets;
using Baton.Drivers;
using Baton.Tests.Net.Counterparts;
using Baton.Tests.Net.SendFile;

namespace Baton.Tests.Conformance;

/// <summary>What CPython's tests ask of <c>loop.sock_sendfile</c>.</summary>
public class SockSendfileConformanceTests
{
    private const string Position = "The file's own position does not matter, and stays.";

    [Fact]
    [CPython("test_sendfile.SockSendfileMixin.test_sock_sendfile_success", Improvement = Position)]
    [CPython("test_base_events.BaseLoopSockSendfileTests.test_sock_sendfile_fallback", Improvement = Position)]
    public void A_file_goes_through_a_socket() => Send(0, null);

    [Theory]
    [InlineData(1000, 2000)]
    [InlineData(599_000, 2000)]
    [InlineData(0, 1)]
    [CPython("test_sendfile.SockSendfileMixin.test_sock_sendfile_with_offset_and_count", Improvement = Position)]
    [CPython("test_base_events.BaseLoopSockSendfileTests.test_sock_sendfile_fallback_offset_and_count", Improvement = Position)]
    public void So_does_a_part(int offset, int count) => Send(offset, count);

    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    [CPython("test_sendfile.SockSendfileMixin.test_sock_sendfile_offset", Improvement = Position)]
    [CPython("test_sendfile.SockSendfileMixin.test_sendfile_offset", Improvement = Position)]
    public void An_offset_counts_whatever_the_position_is(int offset) => Send(offset, null);

    [Fact]
    [CPython("test_sendfile.SockSendfileMixin.test_sock_sendfile_zero_size", Improvement = Position)]
    public void An_empty_file_is_sent_at_once() => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        await using (var file = await LoopFile.OpenAsync(folder["empty"], FileMode.Create, FileAccess.ReadWrite))
        {
            var (sender, receiver) = await NetTest.ConnectSockets();
            Assert.Equal(0, await sender.SendFileAsync(file));
            sender.Dispose();
            Assert.Equal(0, await receiver.ReceiveAsync(new byte[1]));
            receiver.Dispose();
        }
    });

    [Fact]
    [CPython("test_sendfile.SockSendfileMixin.test_sock_sendfile_mix_with_regular_send", Improvement = Position)]
    public void Sends_before_and_after_it_keep_their_order() => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.ConnectSockets();
        var other = NetTest.Pattern(64 * 1024);
        byte[] expected = [.. other, .. SendFileTest.Data, .. other];
        var receiving = Coroutine.Start(NetTest.ReceiveAll(receiver, expected.Length));
        await sender.SendAllAsync(other);
        Assert.Equal(SendFileTest.Data.Length, await sender.SendFileAsync(file));
        await sender.SendAllAsync(other);
        Assert.Equal(expected, await receiving);
        sender.Dispose();
        receiver.Dispose();
    });

    [Fact]
    [CPython("test_base_events.BaseLoopSockSendfileTests.test__sock_sendfile_native_failure", Improvement = Position)]
    [CPython("test_base_events.BaseLoopSockSendfileTests.test_sock_sendfile_no_fallback", Improvement = Position)]
    [CPython("test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_not_available", Improvement = Position)]
    [CPython("test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_exception", Improvement = Position)]
    public void Where_the_system_has_no_such_call_the_fallback_can_be_forbidden() => SendFileTest.RunOnEpoll(async (test, file) =>
    {
        test.Calls.OnSendFile = (_, _, _) => -Errno.ENOSYS;
        var (sender, receiver) = await NetTest.ConnectSockets();
        await Assert.ThrowsAsync<NotSupportedException>(
            async () => await sender.SendFileAsync(file, fallback: SendFileFallback.Forbidden));
        var receiving = Coroutine.Start(NetTest.ReceiveAll(receiver, SendFileTest.Data.Length));
        Assert.Equal(SendFileTest.Data.Length, await sender.SendFileAsync(file));
        Assert.Equal(SendFileTest.Data, await receiving);
        sender.Dispose();
        receiver.Dispose();
    });

    [Fact]
    [CPython("test_base_events.BaseLoopSockSendfileTests.test_nonstream_socket")]
    public void A_socket_for_datagrams_sends_no_file() => SendFileTest.Run(async (_, file) =>
    {
        using var socket = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await socket.SendFileAsync(file));
    });

    [Fact]
    [CPython("test_base_events.BaseLoopSockSendfileTests.test_negative_count")]
    [CPython("test_base_events.BaseLoopSockSendfileTests.test_negative_offset")]
    public void Ranges_that_are_none_are_refused() => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await NetTest.ConnectSockets();
        Assert.Throws<ArgumentOutOfRangeException>(() => sender.SendFileAsync(file, -1).Close());
        Assert.Throws<ArgumentOutOfRangeException>(() => sender.SendFileAsync(file, 0, -1).Close());
        sender.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await sender.SendFileAsync(file));
        receiver.Dispose();
    });

    [Fact]
    [CPython("test_proactor_events.ProactorEventLoopUnixSockSendfileTests.test_sock_sendfile_not_regular_file",
        Improvement = "What is no regular file is sent all the same where the system can read it, by itself or not.")]
    [CPython("test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_not_regular_file",
        Improvement = "What is no regular file is sent all the same where the system can read it, by itself or not.")]
    public void What_is_no_regular_file_is_read_and_sent() => NetTest.Run(async () =>
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The test wants a file that is none.");
        using var zeros = File.OpenHandle("/dev/zero");
        var (sender, receiver) = await NetTest.ConnectSockets();
        var receiving = Coroutine.Start(NetTest.ReceiveAll(receiver, 300_000));
        Assert.Equal(300_000, await sender.SendFileAsync(zeros, 0, 300_000));
        Assert.Equal(new byte[300_000], await receiving);
        using var status = File.OpenHandle("/proc/self/status");
        var sent = await sender.SendFileAsync(status);
        Assert.Equal("Name:"u8.ToArray(), (await NetTest.ReceiveAll(receiver, (int)sent))[..5]);
        sender.Dispose();
        receiver.Dispose();
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_cancel1")]
    [CPython("test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_cancel2")]
    public void A_cancel_ends_it_and_the_socket_can_be_used(bool isLate) => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.ConnectSockets();
        var sending = Coroutine.Start(sender.SendFileAsync(file));
        await NetTest.Iterate(1);
        if (isLate)
        {
            await NetTest.Polls(20);
        }

        await Assert.ThrowsAsync<InvalidOperationException>(async () => await sender.SendAsync(new byte[1]));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await sender.SendFileAsync(file));
        sending.Cancel();
        await NetTest.AssertCancelled(sending);

        // A part has arrived, and what is sent now follows it.
        sender.Shutdown(SocketShutdown.Send);
        var received = new List<byte>();
        var buffer = new byte[65536];
        while (await receiver.ReceiveAsync(buffer) is > 0 and var count)
        {
            received.AddRange(buffer.AsSpan(0, count));
        }

        Assert.Equal(SendFileTest.Data.Take(received.Count), received);
        Assert.True(received.Count < SendFileTest.Data.Length);
        sender.Dispose();
        receiver.Dispose();
    });

    [Fact]
    [CPython("test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_os_error_next_call", Improvement = Position)]
    public void An_error_in_the_middle_is_the_failure() => SendFileTest.RunOnEpoll(async (test, file) =>
    {
        var (sender, receiver) = await SendFileTest.ConnectSockets();
        test.Calls.OnSendFile = (_, offset, _) => offset == 0 ? 1000 : -Errno.ECONNRESET;
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await sender.SendFileAsync(file));
        Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
        await NetTest.ReceiveAll(receiver, 1000);
        sender.Dispose();
        receiver.Dispose();
    });

    [Fact]
    public void A_socket_that_is_disposed_of_meanwhile_is_the_failure() => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.ConnectSockets();
        var sending = Coroutine.Start(sender.SendFileAsync(file));
        await NetTest.Polls(20);
        sender.Dispose();
        var failure = await Record.ExceptionAsync(async () => await sending);
        Assert.True(failure is SocketException or ObjectDisposedException, failure?.ToString());
        receiver.Dispose();
    });

    private static void Send(int offset, int? count)
    {
        SendFileTest.Run((_, file) => SendAsync(file));

        async Coroutine SendAsync(LoopFile file)
        {
            var expected = SendFileTest.Data.Skip(offset).Take(count ?? int.MaxValue).ToArray();
            var (sender, receiver) = await SendFileTest.ConnectSockets();
            var receiving = Coroutine.Start(NetTest.ReceiveAll(receiver, expected.Length));
            Assert.Equal(expected.Length, await sender.SendFileAsync(file, offset, count));
            Assert.Equal(expected, await receiving);
            sender.Dispose();
            Assert.Equal(0, await receiver.ReceiveAsync(new byte[1]));
            receiver.Dispose();
        }
    }
}

using Baton.Drivers;
using Baton.Tests.Net.Protocols;
using Baton.Tests.Net.SendFile;
using Baton.Tests.Net.Tls;

namespace Baton.Tests.Conformance;

/// <summary>What CPython's tests ask of <c>loop.sendfile</c>, which sends a file over a transport.</summary>
public class SendfileConformanceTests
{
    private const string Position = "The file's own position does not matter, and stays.";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_sendfile.SendfileMixin.test_sendfile", Improvement = Position)]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_ssl", Improvement = Position)]
    public void A_file_goes_over_a_transport(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (transport, protocol, peer) = await Connect(overTls);
        var reading = Coroutine.Start(TlsTest.ReadToEnd(peer));
        Assert.Equal(SendFileTest.Data.Length, await transport.SendFileAsync(file));
        Assert.True(transport.IsReading);
        transport.Close();
        Assert.Equal(SendFileTest.Data, await reading);
        await End(protocol, peer);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_partial", Improvement = Position)]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_ssl_partial", Improvement = Position)]
    public void So_does_a_part(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (transport, protocol, peer) = await Connect(overTls);
        var reading = Coroutine.Start(TlsTest.ReadToEnd(peer));
        Assert.Equal(100, await transport.SendFileAsync(file.Handle, 1000, 100));
        transport.Close();
        Assert.Equal(SendFileTest.Data[1000..1100], await reading);
        await End(protocol, peer);
    });

    [Fact]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_force_fallback", Improvement = Position)]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_force_unsupported_native", Improvement = Position)]
    public void The_fallback_reads_and_sends_unless_it_is_forbidden() => SendFileTest.RunOnEpoll(async (test, file) =>
    {
        test.Calls.OnSendFile = (_, _, _) => -Errno.ENOSYS;
        var (transport, protocol, peer) = await Connect(overTls: false);
        await Assert.ThrowsAsync<NotSupportedException>(
            async () => await transport.SendFileAsync(file, fallback: SendFileFallback.Forbidden));
        var reading = Coroutine.Start(TlsTest.ReadToEnd(peer));
        Assert.Equal(SendFileTest.Data.Length, await transport.SendFileAsync(file));
        transport.Close();
        Assert.Equal(SendFileTest.Data, await reading);
        await End(protocol, peer);
    });

    [Fact]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_no_fallback_for_fallback_transport", Improvement = Position)]
    public void There_is_nothing_but_the_fallback_over_TLS() => SendFileTest.Run(async (_, file) =>
    {
        var (transport, protocol, peer) = await Connect(overTls: true);
        await Assert.ThrowsAsync<NotSupportedException>(
            async () => await transport.SendFileAsync(file, fallback: SendFileFallback.Forbidden));
        Assert.False(transport.IsClosing);
        transport.Close();
        Assert.Empty(await TlsTest.ReadToEnd(peer));
        await End(protocol, peer);
    });

    [Fact]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_for_closing_transp", Improvement = Position)]
    public void A_transport_that_closes_sends_no_file() => SendFileTest.Run(async (_, file) =>
    {
        var (transport, protocol, peer) = await Connect(overTls: false);
        transport.Close();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await transport.SendFileAsync(file));
        Assert.Empty(await TlsTest.ReadToEnd(peer));
        await End(protocol, peer);
        Assert.Equal(["made", "lost"], protocol.Trace);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_pre_and_post_data", Improvement = Position)]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_ssl_pre_and_post_data", Improvement = Position)]
    public void Writes_before_and_after_it_keep_their_order(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (transport, protocol, peer) = await Connect(overTls);
        var reading = Coroutine.Start(TlsTest.ReadToEnd(peer));
        var before = NetTest.Pattern(200_000);
        transport.Write(before);
        Assert.True(transport.WriteBufferSize > 0);
        Assert.Equal(SendFileTest.Data.Length, await transport.SendFileAsync(file));
        transport.Write("after"u8);
        transport.Close();
        byte[] expected = [.. before, .. SendFileTest.Data, .. "after"u8];
        Assert.Equal(expected, await reading);
        await End(protocol, peer);
        Assert.Equal(["made", "pause", "resume", "lost"], protocol.Trace);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_close_peer_after_receiving", Improvement = Position)]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_ssl_close_peer_after_receiving", Improvement = Position)]
    public void A_peer_that_goes_when_it_has_everything(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (transport, protocol, peer) = await Connect(overTls);
        var reading = Coroutine.Start(ReadAndClose());
        Assert.Equal(SendFileTest.Data.Length, await transport.SendFileAsync(file));
        Assert.Equal(SendFileTest.Data, await reading);
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Null(protocol.LostBy);

        async Coroutine<byte[]> ReadAndClose()
        {
            var bytes = await peer.Input.ReadExactlyAsync(SendFileTest.Data.Length);
            await peer.CloseAsync();
            return bytes;
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_close_peer_in_the_middle_of_receiving", Improvement = Position)]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_fallback_close_peer_in_the_middle_of_receiving", Improvement = Position)]
    public void A_peer_that_goes_in_the_middle_is_the_loss(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (transport, protocol, peer) = await Connect(overTls);
        var sending = Coroutine.Start(transport.SendFileAsync(file));
        await peer.Input.ReadExactlyAsync(1024);
        peer.Abort();
        await Assert.ThrowsAnyAsync<IOException>(async () => await sending);
        Assert.True(transport.IsClosing);
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.IsAssignableFrom<IOException>(protocol.LostBy);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_sendfile.SendfileMixin.test_sendfile_prevents_bare_write")]
    public void Nothing_is_written_or_received_meanwhile(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (transport, protocol, peer) = await Connect(overTls);
        var sending = Coroutine.Start(transport.SendFileAsync(file));
        await NetTest.Polls(20);
        Assert.False(sending.IsDone);
        Assert.False(transport.IsReading);
        Assert.Throws<InvalidOperationException>(() => transport.Write("x"u8));
        Assert.Throws<InvalidOperationException>(() => transport.WriteLines("x"u8.ToArray()));
        Assert.Throws<InvalidOperationException>(transport.WriteEof);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await transport.SendFileAsync(file));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await transport.StartTlsAsync(TlsTest.ClientOptions()));
        await peer.WriteAsync("hello"u8.ToArray());
        await NetTest.Polls(5);
        Assert.Empty(protocol.Received);
        var reading = Coroutine.Start(peer.Input.ReadExactlyAsync(SendFileTest.Data.Length));
        Assert.Equal(SendFileTest.Data.Length, await sending);
        Assert.Equal(SendFileTest.Data, await reading);
        await NetTest.Until(() => protocol.Received.Count == 5);
        transport.Close();
        await End(protocol, peer);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_cancel_after_a_part_is_the_loss(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (transport, protocol, peer) = await Connect(overTls);
        var sending = Coroutine.Start(transport.SendFileAsync(file));
        await SendFileTest.WaitForPart(peer);
        sending.Cancel();
        await NetTest.AssertCancelled(sending);
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.IsType<IOException>(protocol.LostBy);
        Assert.True(await SendFileTest.Drain(peer) < 0);
        await peer.CloseAsync();
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void To_close_meanwhile_waits_for_the_file_and_to_abort_does_not(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (transport, protocol, peer) = await Connect(overTls);
        var sending = Coroutine.Start(transport.SendFileAsync(file));
        await NetTest.Polls(20);
        transport.Close();
        Assert.Equal(SendFileTest.Data, await TlsTest.ReadToEnd(peer));
        Assert.Equal(SendFileTest.Data.Length, await sending);
        await End(protocol, peer);

        (transport, protocol, peer) = await Connect(overTls);
        sending = Coroutine.Start(transport.SendFileAsync(file));
        await NetTest.Polls(20);
        transport.Abort();
        await Assert.ThrowsAnyAsync<IOException>(async () => await sending);
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.True(await SendFileTest.Drain(peer) < 0);
        await peer.CloseAsync();
    });

    private static async Coroutine<(IStreamTransport Transport, TraceProtocol Protocol, Connection Peer)> Connect(bool overTls)
    {
        var (sender, receiver) = await SendFileTest.Connect(overTls);
        var protocol = new TraceProtocol();
        return (await sender.AttachAsync(protocol), protocol, receiver);
    }

    private static async Coroutine End(TraceProtocol protocol, Connection peer)
    {
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Null(protocol.LostBy);
        await peer.CloseAsync();
    }
}

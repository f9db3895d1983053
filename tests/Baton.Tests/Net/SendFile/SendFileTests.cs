using System.Buffers;
using Baton.Tests.Files;
using Baton.Tests.Net.Tls;
using Microsoft.Win32.SafeHandles;

namespace Baton.Tests.Net.SendFile;

/// <summary>Files over connections, by the system and by reading, with TLS and without.</summary>
public class SendFileTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_file_goes_to_a_slow_reader_in_its_place(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect(overTls);
        var reading = Coroutine.Start(TlsTest.ReadToEnd(receiver));
        sender.Output.Write("before "u8);
        Assert.Equal(SendFileTest.Data.Length, await sender.SendFileAsync(file));
        Assert.Equal(0, sender.BufferedOutput);
        await sender.WriteAsync(" after"u8.ToArray());
        await sender.CloseAsync();
        byte[] expected = [.. "before "u8, .. SendFileTest.Data, .. " after"u8];
        Assert.Equal(expected, await reading);
        await receiver.CloseAsync();
    });

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(1000, 2000, 2000)]
    [InlineData(600_000, null, 1)]
    [InlineData(600_000, 100, 1)]
    [InlineData(600_001, null, 0)]
    [InlineData(1_000_000, 5, 0)]
    public void A_part_of_a_file(long offset, int? count, int expected)
    {
        SendFileTest.Run((_, file) => Send(file, overTls: false));
        SendFileTest.Run((_, file) => Send(file, overTls: true));

        async Coroutine Send(LoopFile file, bool overTls)
        {
            var (sender, receiver) = await SendFileTest.Connect(overTls);
            var reading = Coroutine.Start(TlsTest.ReadToEnd(receiver));
            Assert.Equal(expected, await sender.SendFileAsync(file, offset, count));
            await sender.CloseAsync();
            Assert.Equal(SendFileTest.Data.Skip((int)offset).Take(expected), await reading);
            await receiver.CloseAsync();
        }
    }

    [Fact]
    public void A_handle_serves_as_well_and_its_position_stays() => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect();
        var reading = Coroutine.Start(TlsTest.ReadToEnd(receiver));
        using var stream = new FileStream(file.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        stream.Position = 5;
        Assert.Equal(100, await sender.SendFileAsync(stream.SafeFileHandle, 50, 100));
        Assert.Equal(5, stream.Position);
        Assert.Equal(SendFileTest.Data[5], stream.ReadByte());
        await sender.CloseAsync();
        Assert.Equal(SendFileTest.Data[50..150], await reading);
        await receiver.CloseAsync();
    });

    [Fact]
    public void Ranges_that_are_none_are_refused() => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await NetTest.Connect();
        Assert.Throws<ArgumentOutOfRangeException>(() => { sender.SendFileAsync(file, -1).Close(); });
        Assert.Throws<ArgumentOutOfRangeException>(() => { sender.SendFileAsync(file, 0, -1).Close(); });
        Assert.Throws<ArgumentNullException>(() => { sender.SendFileAsync((LoopFile)null!).Close(); });
        Assert.Throws<ArgumentNullException>(() => { sender.SendFileAsync((SafeFileHandle)null!).Close(); });
        await sender.CloseAsync();
        await Assert.ThrowsAsync<IOException>(async () => await sender.SendFileAsync(file));
        await receiver.CloseAsync();
    });

    [Fact]
    public void The_fallback_can_be_forbidden() => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect(overTls: true);
        var reading = Coroutine.Start(TlsTest.ReadToEnd(receiver));
        await sender.WriteAsync("one "u8.ToArray());
        var failure = await Assert.ThrowsAsync<NotSupportedException>(
            async () => await sender.SendFileAsync(file, fallback: SendFileFallback.Forbidden));
        Assert.Contains(file.Path, failure.Message, StringComparison.Ordinal);
        await sender.WriteAsync("two"u8.ToArray());
        await sender.CloseAsync();
        Assert.Equal("one two"u8.ToArray(), await reading);
        await receiver.CloseAsync();
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Nothing_else_may_be_written_meanwhile(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect(overTls);
        var sending = await SendFileTest.StartAndFill(sender, receiver, file);
        Assert.Throws<InvalidOperationException>(() => { sender.WriteAsync(new byte[1]); });
        Assert.Throws<InvalidOperationException>(() => { sender.Output.FlushAsync(); });
        Assert.Throws<InvalidOperationException>(() => { sender.Output.GetMemory(); });
        Assert.Throws<InvalidOperationException>(() => sender.Output.Complete());
        Assert.Throws<InvalidOperationException>(() => { sender.CompleteOutputAsync(); });
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await sender.SendFileAsync(file));
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await sender.UpgradeToTlsAsync(TlsTest.ClientOptions()));
        Assert.Contains("SendFileAsync", refused.Message, StringComparison.Ordinal);
        var reading = Coroutine.Start(TlsTest.ReadToEnd(receiver));
        Assert.Equal(SendFileTest.Data.Length, await sending);
        await sender.CloseAsync();
        Assert.Equal(SendFileTest.Data, await reading);
        await receiver.CloseAsync();
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_cancel_after_a_part_breaks_the_output_and_says_so(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect(overTls);
        var sending = await SendFileTest.StartAndFill(sender, receiver, file);
        sending.Cancel();
        await NetTest.AssertCancelled(sending);
        var failure = await Assert.ThrowsAsync<IOException>(async () => await sender.WriteAsync(new byte[1]));
        Assert.Contains("cancelled", failure.Message, StringComparison.Ordinal);
        await sender.CloseAsync();

        // A reset, lest the peer takes a part for the whole.
        Assert.True(await SendFileTest.Drain(receiver) < 0);
        await receiver.CloseAsync();
    });

    [Fact]
    public void A_cancel_before_anything_was_sent_is_as_if_nothing_had_been() => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect();
        var filling = new byte[300_000];
        var filled = Coroutine.Start(TlsTest.Write(sender, filling));
        await NetTest.Polls(5);
        var sending = Coroutine.Start(sender.SendFileAsync(file));
        await NetTest.Polls(5);
        sending.Cancel();
        await NetTest.AssertCancelled(sending);
        var reading = Coroutine.Start(TlsTest.ReadToEnd(receiver));
        await filled;
        await sender.WriteAsync("end"u8.ToArray());
        await sender.CloseAsync();
        byte[] expected = [.. filling, .. "end"u8];
        Assert.Equal(expected, await reading);
        await receiver.CloseAsync();
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Closing_meanwhile_waits_for_the_file(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect(overTls);
        var sending = await SendFileTest.StartAndFill(sender, receiver, file);
        var closing = Coroutine.Start(Close(sender));
        await NetTest.Polls(5);
        Assert.False(closing.IsDone);
        Assert.Equal(SendFileTest.Data, await TlsTest.ReadToEnd(receiver));
        Assert.Equal(SendFileTest.Data.Length, await sending);
        await closing;
        Assert.True(sender.IsClosed);
        await receiver.CloseAsync();
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_close_that_waits_for_a_file_which_is_given_up_is_a_reset(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect(overTls);
        var sending = await SendFileTest.StartAndFill(sender, receiver, file);
        var closing = Coroutine.Start(Close(sender));
        await NetTest.Polls(5);
        sending.Cancel();
        await NetTest.AssertCancelled(sending);
        await closing;
        Assert.True(await SendFileTest.Drain(receiver) < 0);
        await receiver.CloseAsync();
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Disposing_meanwhile_is_a_failure_and_a_reset(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect(overTls);
        var sending = await SendFileTest.StartAndFill(sender, receiver, file);
        sender.Dispose();
        await Assert.ThrowsAsync<IOException>(async () => await sending);
        Assert.True(await SendFileTest.Drain(receiver) < 0);
        await receiver.CloseAsync();
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_peer_that_goes_is_the_failure(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect(overTls);
        var sending = await SendFileTest.StartAndFill(sender, receiver, file);
        receiver.Abort();
        await Assert.ThrowsAnyAsync<IOException>(async () => await sending);
        await Assert.ThrowsAnyAsync<IOException>(async () => await sender.WriteAsync(new byte[1]));
        await sender.CloseAsync();
    });

    [Fact]
    public void A_file_that_is_closed_meanwhile_is_sent_first() => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect();
        var sending = await SendFileTest.StartAndFill(sender, receiver, file);
        file.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await sender.SendFileAsync(file));
        await NetTest.Polls(3);
        Assert.False(file.Handle.IsClosed);
        var reading = Coroutine.Start(TlsTest.ReadToEnd(receiver));
        Assert.Equal(SendFileTest.Data.Length, await sending);
        await sender.CloseAsync();
        Assert.Equal(SendFileTest.Data, await reading);
        await receiver.CloseAsync();
        await file.CloseAsync();
        Assert.True(file.Handle.IsClosed);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_file_that_shrinks_ends_where_it_ends(bool overTls) => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect(overTls);
        var sending = await SendFileTest.StartAndFill(sender, receiver, file);
        await file.SetLengthAsync(500_000);
        var reading = Coroutine.Start(TlsTest.ReadToEnd(receiver));
        Assert.Equal(500_000, await sending);
        await sender.CloseAsync();
        Assert.Equal(SendFileTest.Data[..500_000], await reading);
        await receiver.CloseAsync();
    });

    [Fact]
    public void A_file_that_grows_is_sent_to_its_end() => SendFileTest.Run(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect();
        var sending = await SendFileTest.StartAndFill(sender, receiver, file);
        await file.WriteAsync("more"u8.ToArray(), SendFileTest.Data.Length);
        var reading = Coroutine.Start(TlsTest.ReadToEnd(receiver));
        Assert.Equal(SendFileTest.Data.Length + 4, await sending);
        await sender.CloseAsync();
        byte[] expected = [.. SendFileTest.Data, .. "more"u8];
        Assert.Equal(expected, await reading);
        await receiver.CloseAsync();
    });

    [Fact]
    public void What_cannot_be_read_is_the_files_failure() => FileTest.Run(async (_, folder) =>
    {
        await using var file = await LoopFile.OpenAsync(folder["a"], FileMode.Create, FileAccess.Write);
        await file.WriteAsync("x"u8.ToArray());
        var (sender, receiver) = await NetTest.Connect();
        var reading = Coroutine.Start(TlsTest.ReadToEnd(receiver));
        var failure = await Assert.ThrowsAsync<UnauthorizedAccessException>(async () => await sender.SendFileAsync(file));
        Assert.Contains(folder["a"], failure.Message, StringComparison.Ordinal);

        // Nothing was sent, and the connection is as it was.
        await sender.WriteAsync("y"u8.ToArray());
        await sender.CloseAsync();
        Assert.Equal("y"u8.ToArray(), await reading);
        await receiver.CloseAsync();
    });

    [Fact]
    public void A_file_goes_through_a_pipe_too() => SendFileTest.RunOnEpoll(async (_, file) =>
    {
        var (reader, writer) = Connection.CreatePipe();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await reader.SendFileAsync(file));
        var reading = Coroutine.Start(TlsTest.ReadToEnd(reader));
        await writer.WriteAsync("before "u8.ToArray());
        Assert.Equal(SendFileTest.Data.Length, await writer.SendFileAsync(file, fallback: SendFileFallback.Forbidden));
        await writer.CloseAsync();
        byte[] expected = [.. "before "u8, .. SendFileTest.Data];
        Assert.Equal(expected, await reading);
        await reader.CloseAsync();
    });

    private static async Coroutine Close(Connection connection) => await connection.CloseAsync();
}

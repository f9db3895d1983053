using System.Net.Sockets;
using Baton.Drivers;
using Baton.Tests.Conformance;
using Baton.Tests.Net.Tls;

namespace Baton.Tests.Net.SendFile;

/// <summary>What the system's own sending of files does beside sending them: short, interrupted, full, refused, failed.</summary>
public class SendFileFaultTests
{
    private const int IsDirectory = 21;
    private const int InvalidArgument = 22;
    private const int IllegalSeek = 29;

    [Theory]
    [InlineData(1)]
    [InlineData(777)]
    [InlineData(100_000)]
    public void Short_and_interrupted_sends_change_nothing(int most) => SendFileTest.RunOnEpoll(async (test, file) =>
    {
        var calls = 0;
        test.Calls.OnSendFile = (_, _, _) => calls++ % 3 == 0 ? -Errno.EINTR : most;
        await SendAndCompare(file, most == 1 ? 5000 : null);
        Assert.True(calls > 5);
    });

    [Fact]
    [CPython("test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_blocking_error")]
    public void A_full_socket_is_waited_for_without_asking_it() => SendFileTest.RunOnEpoll(async (test, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect();
        var calls = 0;
        test.Calls.OnSendFile = (_, _, _) =>
        {
            calls++;
            return null;
        };
        var sending = await SendFileTest.StartAndFill(sender, receiver, file);
        var before = calls;
        await NetTest.Polls(50);
        Assert.Equal(before, calls);
        var reading = Coroutine.Start(TlsTest.ReadToEnd(receiver));
        Assert.Equal(SendFileTest.Data.Length, await sending);
        await sender.CloseAsync();
        Assert.Equal(SendFileTest.Data, await reading);
        await receiver.CloseAsync();
    });

    [Theory]
    [InlineData(InvalidArgument)]
    [InlineData(IllegalSeek)]
    [InlineData(IsDirectory)]
    [InlineData(Errno.ENOSYS)]
    [InlineData(Errno.EPERM)]
    [InlineData(5)] // EIO
    [InlineData(9)] // EBADF
    [InlineData(95)] // EOPNOTSUPP
    public void What_the_system_refuses_is_read_and_sent(int error) => SendFileTest.RunOnEpoll(async (test, file) =>
    {
        test.Calls.OnSendFile = (_, _, _) => -error;
        await SendAndCompare(file);

        // In the middle, too.
        test.Calls.OnSendFile = (_, offset, _) => offset < 100_000 ? 33_333 : -error;
        await SendAndCompare(file);
    });

    [Fact]
    [CPython("test_unix_events.SelectorEventLoopUnixSockSendfileTests.test_sock_sendfile_os_error_first_call")]
    public void What_the_system_refuses_fails_where_the_fallback_is_forbidden() => SendFileTest.RunOnEpoll(async (test, file) =>
    {
        test.Calls.OnSendFile = (_, _, _) => -InvalidArgument;
        var (sender, receiver) = await SendFileTest.Connect();
        await Assert.ThrowsAsync<NotSupportedException>(
            async () => await sender.SendFileAsync(file, fallback: SendFileFallback.Forbidden));
        await sender.WriteAsync(new byte[3]);
        await receiver.Input.ReadExactlyAsync(3);

        // In the middle, that is no refusal any more.
        test.Calls.OnSendFile = (_, offset, _) => offset == 0 ? 10 : -InvalidArgument;
        var failure = await Assert.ThrowsAsync<IOException>(
            async () => await sender.SendFileAsync(file, fallback: SendFileFallback.Forbidden));
        Assert.Contains("10 bytes", failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<IOException>(async () => await sender.WriteAsync(new byte[3]));
        await sender.CloseAsync();
        Assert.True(await SendFileTest.Drain(receiver) <= 0);
        await receiver.CloseAsync();
    });

    [Theory]
    [InlineData(Errno.EPIPE, SocketError.Shutdown)]
    [InlineData(Errno.ECONNRESET, SocketError.ConnectionReset)]
    [InlineData(Errno.ENOMEM, SocketError.NoBufferSpaceAvailable)]
    public void Errors_of_the_connection_are_those_of_a_write(int error, SocketError expected) => SendFileTest.RunOnEpoll(async (test, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect();
        test.Calls.OnSendFile = (_, offset, _) => offset == 0 ? 1000 : -error;
        var failure = await Assert.ThrowsAsync<IOException>(async () => await sender.SendFileAsync(file));
        Assert.Equal(expected, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
        failure = await Assert.ThrowsAsync<IOException>(async () => await sender.WriteAsync(new byte[1]));
        Assert.Equal(expected, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
        await sender.CloseAsync();
        await receiver.CloseAsync();
    });

    [Fact]
    public void A_file_that_cannot_be_read_on_breaks_the_output() => SendFileTest.RunOnEpoll(async (test, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect();
        using var writeOnly = File.OpenHandle(file.Path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        test.Calls.OnSendFile = (socket, offset, count) => offset > 0 ? -5 : test.Calls.Send(socket, SendFileTest.Data.AsSpan(0, 10));
        var failure = await Record.ExceptionAsync(async () => await sender.SendFileAsync(writeOnly));
        Assert.IsType<UnauthorizedAccessException>(failure);
        await sender.CloseAsync();
        await receiver.CloseAsync();
    });

    [Fact]
    public void A_read_of_the_fallback_is_waited_for_when_the_task_is_cancelled()
    {
        var executor = new ManualExecutor();
        SendFileTest.RunOnEpollByHand(executor, async (test, handle) =>
        {
            test.Calls.OnSendFile = (_, _, _) => -InvalidArgument;
            var (sender, receiver) = await SendFileTest.Connect();
            var sending = Coroutine.Start(sender.SendFileAsync(handle));
            await NetTest.Until(() => executor.Count == 1);
            executor.RunNext();
            sending.Cancel();
            await NetTest.AssertCancelled(sending);

            // Nothing of it was sent.
            await sender.WriteAsync("x"u8.ToArray());
            Assert.Equal("x"u8.ToArray(), await receiver.Input.ReadExactlyAsync(1));
            await sender.CloseAsync();
            await receiver.CloseAsync();
        });
        Assert.Equal(0, executor.Count);
    }

    [Fact]
    public void One_chunk_at_a_time_so_that_others_have_their_turn() => SendFileTest.RunOnEpoll(async (test, file) =>
    {
        // A system that takes all that it is asked to.
        var turns = 0;
        var most = 0;
        var calls = 0;
        test.Calls.OnSendFile = (_, _, count) =>
        {
            most = Math.Max(most, count);
            calls++;
            return null;
        };
        test.Calls.FileLength = 100_000_000;
        var (sender, receiver) = await NetTest.Connect();
        var ticking = Coroutine.Start(Tick());
        Assert.Equal(100_000_000, await sender.SendFileAsync(file));
        ticking.Cancel();
        Assert.True(most <= 1024 * 1024);
        Assert.True(turns >= calls - 5, $"{turns} turns while {calls} chunks were sent");
        await sender.CloseAsync();
        await receiver.CloseAsync();

        async Coroutine Tick()
        {
            while (true)
            {
                turns++;
                await Coroutine.Yield();
            }
        }
    });

    [Fact]
    public void Sending_allocates_little() => SendFileTest.RunOnEpoll(async (_, file) =>
    {
        var (sender, receiver) = await SendFileTest.Connect();
        var buffer = new byte[65536];
        var draining = Coroutine.Start(Drain());
        var before = 0L;
        for (var i = 0; i < 60; i++)
        {
            if (i == 10)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            await sender.SendFileAsync(file);
        }

        // Per file, of which each waits for room some ten times: the object that stands for its range, and no more.
        var allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / 50;
        Assert.True(allocated < 200, $"{allocated} bytes");
        await sender.CloseAsync();
        await draining;
        await receiver.CloseAsync();

        async Coroutine Drain()
        {
            while (await receiver.AsStream().ReadAsync(buffer) > 0)
            {
            }
        }
    });

    private static async Coroutine SendAndCompare(LoopFile file, int? count = null)
    {
        var (sender, receiver) = await SendFileTest.Connect();
        var reading = Coroutine.Start(TlsTest.ReadToEnd(receiver));
        Assert.Equal(count ?? SendFileTest.Data.Length, await sender.SendFileAsync(file, 0, count));
        await sender.CloseAsync();
        Assert.Equal(SendFileTest.Data[..(count ?? SendFileTest.Data.Length)], await reading);
        await receiver.CloseAsync();
    }
}

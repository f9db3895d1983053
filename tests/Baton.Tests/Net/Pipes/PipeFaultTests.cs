using Baton.Drivers;

namespace Baton.Tests.Net.Pipes;

/// <summary>What the system may answer, and how many calls it takes.</summary>
public class PipeFaultTests
{
    [Fact]
    public void A_message_through_a_pipe_costs_one_read_and_one_write() => NetTest.RunOnEpoll(async test =>
    {
        var (reader, writer) = Connection.CreatePipe();
        await using var one = reader;
        await using var two = writer;
        await Exchange(3);
        var before = test.Driver.Statistics;
        await Exchange(100);
        var after = test.Driver.Statistics;
        Assert.Equal(100, after.Receives - before.Receives);
        Assert.Equal(100, after.Sends - before.Sends);
        Assert.Equal(0, after.Registrations - before.Registrations);
        Assert.Equal(0, after.Others - before.Others);

        async Coroutine Exchange(int count)
        {
            for (var i = 0; i < count; i++)
            {
                var read = Coroutine.Start(Read());
                await Coroutine.Yield();
                await writer.WriteAsync("hello"u8.ToArray());
                await read;
            }
        }

        async Coroutine Read()
        {
            var result = await reader.Input.ReadAsync();
            Assert.Equal(5, result.Buffer.Length);
            reader.Input.AdvanceTo(result.Buffer.End);
        }
    });

    [Fact]
    public void Watched_events_cost_no_registrations() => NetTest.RunOnEpoll(async test =>
    {
        using var pipe = new RawPipe();
        var calls = 0;
        test.Loop.AddReader(pipe.ReaderNumber, () => calls += pipe.Read());
        var before = test.Driver.Statistics;
        for (var i = 1; i <= 50; i++)
        {
            pipe.Write("x"u8);
            await NetTest.Until(() => calls == i);
        }

        Assert.Equal(0, test.Driver.Statistics.Registrations - before.Registrations);
        Assert.True(test.Loop.RemoveReader(pipe.ReaderNumber));
    });

    [Fact]
    public void Interrupted_and_short_calls_go_on() => NetTest.RunOnEpoll(async test =>
    {
        var (reader, writer) = Connection.CreatePipe();
        var count = 0;
        test.Calls.OnRead = (_, _) => ++count % 3 == 0 ? -Errno.EINTR : null;
        test.Calls.OnWrite = (_, _) => ++count % 3 == 0 ? -Errno.EINTR : 700;
        var bytes = NetTest.Pattern(300_000);
        var write = Coroutine.Start(Write());
        Assert.Equal(bytes, await reader.Input.ReadExactlyAsync(bytes.Length));
        await write;
        await reader.CloseAsync();

        async Coroutine Write()
        {
            await writer.WriteAsync(bytes);
            await writer.CloseAsync();
        }
    });

    [Theory]
    [InlineData(Errno.EIO)]
    [InlineData(Errno.ENOMEM)]
    public void A_read_of_a_pipe_that_fails_is_a_failure(int error) => NetTest.RunOnEpoll(async test =>
    {
        var (reader, writer) = Connection.CreatePipe();
        await using var one = reader;
        await using var two = writer;
        test.Calls.OnRead = (_, _) => -error;
        var exception = await Assert.ThrowsAsync<IOException>(async () => await reader.Input.ReadAsync());
        Assert.StartsWith($"The {reader} failed. Receiving failed: ", exception.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_descriptor_that_cannot_be_made_leaves_the_callers_alone() => NetTest.RunOnEpoll(async test =>
    {
        var (reader, writer) = LoopPipe.CreateHandles();
        using var one = reader;
        using var two = writer;
        test.Calls.OnReopen = _ => -Errno.EMFILE;
        test.Calls.OnDuplicate = _ => -Errno.EMFILE;
        Assert.Throws<System.Net.Sockets.SocketException>(() => Connection.FromHandle(reader));
        Assert.False(reader.IsClosed);
        Assert.False(Descriptors.IsNonBlocking(reader));
        Assert.Throws<System.Net.Sockets.SocketException>(() => Connection.CreatePipe());
        await Coroutine.Yield();
    });
}

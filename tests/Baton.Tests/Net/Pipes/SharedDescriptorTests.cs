using Baton.Drivers;

namespace Baton.Tests.Net.Pipes;

/// <summary>Open files that others have, too, and that must not become non-blocking for them.</summary>
public class SharedDescriptorTests
{
    [Fact]
    public void A_pipe_is_opened_anew() => NetTest.Run(async () =>
    {
        var (reader, writer) = LoopPipe.CreateHandles();
        using var one = reader;
        using var two = writer;
        await using var input = Connection.FromHandle(Descriptors.Borrow(reader));
        await using var output = Connection.FromHandle(Descriptors.Borrow(writer));
        Assert.False(Descriptors.IsNonBlocking(reader));
        Assert.False(Descriptors.IsNonBlocking(writer));
        Assert.True(Descriptors.IsNonBlocking(input.Handle));
        Assert.True(Descriptors.IsClosedOnExec(input.Handle));
        await output.WriteAsync("x\n"u8.ToArray());
        Assert.Equal("x", await input.Input.ReadLineAsync());
    });

    [Fact]
    public void Where_it_cannot_be_it_blocks_again_once_it_is_closed() => NetTest.RunOnEpoll(async test =>
    {
        test.Calls.OnReopen = _ => -Errno.EPERM;
        var (reader, writer) = LoopPipe.CreateHandles();
        using var one = reader;
        using var two = writer;
        var first = Connection.FromHandle(Descriptors.Borrow(reader));
        var second = Connection.FromHandle(Descriptors.Borrow(reader));
        var output = Connection.FromHandle(Descriptors.Borrow(writer));
        Assert.True(Descriptors.IsNonBlocking(reader));
        await first.CloseAsync();
        Assert.True(Descriptors.IsNonBlocking(reader));
        await second.CloseAsync();
        Assert.False(Descriptors.IsNonBlocking(reader));
        Assert.True(Descriptors.IsNonBlocking(writer));
        await output.CompleteOutputAsync();
        Assert.False(Descriptors.IsNonBlocking(writer));
    });

    [Fact]
    public void What_was_non_blocking_stays_so() => NetTest.Run(async () =>
    {
        var (reader, theirs) = LoopPipe.CreateReader();
        using var two = theirs;
        await using (var again = Connection.FromHandle(Descriptors.Borrow((int)reader.Handle)))
        {
            Assert.NotEqual(reader.Handle, again.Handle);
        }

        Assert.True(Descriptors.IsNonBlocking(reader.Handle));
        await reader.CloseAsync();
    });
}

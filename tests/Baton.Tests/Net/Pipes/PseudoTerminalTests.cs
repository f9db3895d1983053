namespace Baton.Tests.Net.Pipes;

/// <summary>Pseudo terminals, and connections over either end of one.</summary>
public class PseudoTerminalTests
{
    [Fact]
    public void It_translates_and_echoes_as_terminals_do() => NetTest.Run(async () =>
    {
        await using var terminal = PseudoTerminal.Open(columns: 100, rows: 30);
        Assert.StartsWith("/dev/", terminal.SlavePath, StringComparison.Ordinal);
        Assert.Equal($"terminal {terminal.Connection.Handle}", terminal.Connection.ToString());
        using var slave = terminal.OpenSlave();
        Assert.False(Descriptors.IsNonBlocking(slave));
        Assert.True(Descriptors.IsClosedOnExec(slave));
        Assert.True(Descriptors.IsClosedOnExec(terminal.Connection.Handle));
        await using var stream = Connection.FromHandle(Descriptors.Borrow(slave));
        Assert.True(Terminal.IsTerminal(stream));
        Assert.False(Descriptors.IsNonBlocking(slave));
        await stream.WriteAsync("out\n"u8.ToArray());
        Assert.Equal("out\r\n"u8.ToArray(), await terminal.Connection.Input.ReadExactlyAsync(5));
        await terminal.Connection.WriteAsync("typ\u007fed\n"u8.ToArray());
        Assert.Equal("tyed", await stream.Input.ReadLineAsync());
        Assert.Equal("typ\b \bed\r\n"u8.ToArray(), await terminal.Connection.Input.ReadExactlyAsync(10));
    });

    [Fact]
    public void Raw_it_passes_bytes_on_until_it_is_as_it_was_before() => NetTest.Run(async () =>
    {
        await using var terminal = PseudoTerminal.Open();
        await using var slave = Connection.FromHandle(terminal.OpenSlave());
        using (terminal.EnterRawMode())
        {
            byte[] bytes = [3, 4, 13, 10, 0, 255, 127];
            await terminal.Connection.WriteAsync(bytes);
            Assert.Equal(bytes, await slave.Input.ReadExactlyAsync(bytes.Length));
            await slave.WriteAsync(bytes);
            Assert.Equal(bytes, await terminal.Connection.Input.ReadExactlyAsync(bytes.Length));
        }

        await slave.WriteAsync("\n"u8.ToArray());
        Assert.Equal("\r\n"u8.ToArray(), await terminal.Connection.Input.ReadExactlyAsync(2));
    });

    [Fact]
    public void A_megabyte_goes_through_either_way() => NetTest.Run(async () =>
    {
        await using var terminal = PseudoTerminal.Open();
        await using var slave = Connection.FromHandle(terminal.OpenSlave());
        using var raw = terminal.EnterRawMode();
        var bytes = NetTest.Pattern(1 << 20);
        foreach (var (from, to) in new[] { (terminal.Connection, slave), (slave, terminal.Connection) })
        {
            var write = Coroutine.Start(Write(from));
            Assert.Equal(bytes, await to.Input.ReadExactlyAsync(bytes.Length));
            await write;
        }

        async Coroutine Write(Connection connection) => await connection.WriteAsync(bytes);
    });

    [Fact]
    public void The_window_has_a_size() => NetTest.Run(async () =>
    {
        await using var terminal = PseudoTerminal.Open(columns: 100, rows: 30);
        using var slave = terminal.OpenSlave();
        Assert.Equal(new TerminalSize(100, 30), Terminal.GetSize(slave));
        terminal.Size = new TerminalSize(132, 43);
        Assert.Equal(new TerminalSize(132, 43), Terminal.GetSize(slave));
        Assert.Throws<OverflowException>(() => terminal.Size = new TerminalSize(70_000, 1));
        Assert.Throws<OverflowException>(() => PseudoTerminal.Open(-1));
        var (reader, writer) = Connection.CreatePipe();
        Assert.Throws<IOException>(() => Terminal.GetSize(reader));
        Assert.Throws<IOException>(() => Terminal.EnterRawMode(writer));
        Assert.False(Terminal.IsTerminal(writer));
        await reader.CloseAsync();
        await writer.CloseAsync();
        Assert.Throws<ObjectDisposedException>(() => Terminal.GetSize(reader));
    });

    [Fact]
    public void It_ends_when_the_other_end_is_closed_by_all() => NetTest.Run(async () =>
    {
        await using var terminal = PseudoTerminal.Open();
        var slave = Connection.FromHandle(terminal.OpenSlave());
        var other = terminal.OpenSlave();
        await slave.WriteAsync("last\n"u8.ToArray());
        await slave.CloseAsync();
        var read = Coroutine.Start(ReadToEnd.Text(terminal.Connection));
        await NetTest.Polls(3);
        Assert.False(read.IsDone);
        other.Dispose();
        Assert.Equal("last\r\n", await read);
        Assert.False(terminal.Connection.IsClosed);
    });

    [Fact]
    public void To_close_it_hangs_up() => NetTest.Run(async () =>
    {
        var terminal = PseudoTerminal.Open();
        await using var slave = Connection.FromHandle(terminal.OpenSlave());
        var read = Coroutine.Start(ReadToEnd.Text(slave));
        await NetTest.Polls(3);
        var raw = terminal.EnterRawMode();
        await terminal.DisposeAsync();
        raw.Dispose();
        Assert.Equal("", await read);
        var exception = await Assert.ThrowsAsync<IOException>(async () => await slave.WriteAsync("x"u8.ToArray()));
        Assert.StartsWith($"The {slave} failed. Sending failed: ", exception.Message, StringComparison.Ordinal);
        Assert.Throws<ObjectDisposedException>(() => terminal.OpenSlave());
        Assert.Throws<ObjectDisposedException>(() => terminal.Size);
    });

    [Fact]
    public void One_direction_of_a_terminal_leaves_the_other_to_others() => NetTest.Run(async () =>
    {
        await using var terminal = PseudoTerminal.Open();
        using var raw = terminal.EnterRawMode();
        using var slave = terminal.OpenSlave();
        await using var input = Connection.FromHandle(Descriptors.Borrow(slave), FileAccess.Read);
        await using var output = Connection.FromHandle(Descriptors.Borrow(slave), FileAccess.Write);

        // The wait for the other end to go must not take what is typed.
        var end = Coroutine.Start(ReadToEnd.Text(output));
        await terminal.Connection.WriteAsync("typed\n"u8.ToArray());
        Assert.Equal("typed", await input.Input.ReadLineAsync());
        Assert.False(end.IsDone);
        await output.WriteAsync("out"u8.ToArray());
        Assert.Equal("out"u8.ToArray(), await terminal.Connection.Input.ReadExactlyAsync(3));
        await output.CompleteOutputAsync();
        Assert.Equal("", await end);
        Assert.False(Descriptors.IsNonBlocking(slave));
    });

    [Fact]
    public void Many_terminals_leave_nothing() => NetTest.Run(async () =>
    {
        for (var i = 0; i < 50; i++)
        {
            await using var terminal = PseudoTerminal.Open();
            await using var slave = Connection.FromHandle(terminal.OpenSlave());
            var read = Coroutine.Start(ReadToEnd.Text(slave));
            await Coroutine.Yield();
            read.Cancel();
            await NetTest.AssertCancelled(read);
        }
    });
}

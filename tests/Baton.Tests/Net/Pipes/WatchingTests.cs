using Baton.Tests.Conformance;

namespace Baton.Tests.Net.Pipes;

/// <summary>AddReader, AddWriter and the waits.</summary>
public class WatchingTests
{
    [Fact]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_add_reader")]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_remove_reader")]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_remove_reader_unknown")]
    public void A_reader_is_called_for_as_long_as_there_is_something() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var calls = 0;
        test.Loop.AddReader(pipe.ReaderNumber, () => calls++);
        await NetTest.Polls(3);
        Assert.Equal(0, calls);
        pipe.Write("ab"u8);
        await NetTest.Until(() => calls >= 3);
        Assert.Equal(2, pipe.Read());
        var before = calls;
        await NetTest.Polls(3);
        Assert.InRange(calls, before, before + 1);
        Assert.True(test.Loop.RemoveReader(pipe.ReaderNumber));
        Assert.False(test.Loop.RemoveReader(pipe.ReaderNumber));
        Assert.False(test.Loop.RemoveReader(1_000_000));
        before = calls;
        pipe.Write("c"u8);
        await NetTest.Polls(3);
        Assert.Equal(before, calls);
    });

    [Fact]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_add_writer")]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_remove_writer")]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_remove_writer_unknown")]
    public void A_writer_is_called_while_there_is_room() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var calls = 0;
        test.Loop.AddWriter(pipe.WriterNumber, count => calls += (int)count!, 1);
        await NetTest.Until(() => calls >= 3);
        pipe.Fill();
        await NetTest.Polls(3);
        var before = calls;
        await NetTest.Polls(3);
        Assert.Equal(before, calls);
        while (pipe.Read() == 4096 && calls == before)
        {
            await NetTest.Polls(1);
        }

        Assert.NotEqual(before, calls);
        Assert.True(test.Loop.RemoveWriter(pipe.WriterNumber));
        Assert.False(test.Loop.RemoveWriter(pipe.WriterNumber));
        Assert.False(test.Loop.RemoveWriter(1_000_000));
    });

    [Fact]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_add_reader_existing_writer")]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_remove_reader_read_write")]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_remove_writer_read_write")]
    public void Both_directions_of_a_descriptor_are_watched_apart() => NetTest.Run(async test =>
    {
        var (first, second) = LoopSocket.CreatePair();
        using var one = first.Detach();
        using var two = second.Detach();
        var number = (int)one.Handle;
        var reads = 0;
        var writes = 0;
        test.Loop.AddReader(number, () => reads++);
        test.Loop.AddWriter(number, () => writes++);
        await NetTest.Until(() => writes >= 2);
        Assert.Equal(0, reads);
        Assert.True(test.Loop.RemoveWriter(number));
        two.Send("x"u8);
        await NetTest.Until(() => reads >= 2);
        var before = writes;
        await NetTest.Polls(3);
        Assert.Equal(before, writes);
        test.Loop.AddWriter(number, () => writes++);
        Assert.True(test.Loop.RemoveReader(number));
        before = reads;
        var writesBefore = writes;
        await NetTest.Until(() => writes >= writesBefore + 2);
        Assert.InRange(reads, before, before + 1);
        Assert.True(test.Loop.RemoveWriter(number));
    });

    [Fact]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_add_reader_existing")]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_add_writer_existing")]
    public void Adding_replaces_and_what_was_queued_is_not_called() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        pipe.Write("x"u8);
        var log = new List<string>();
        test.Loop.AddReader(pipe.ReaderNumber, () => log.Add("first"));
        test.Loop.AddReader(pipe.ReaderNumber, () => log.Add("second"));
        await NetTest.Until(() => log.Count >= 2);
        Assert.DoesNotContain("first", log);
        Assert.True(test.Loop.RemoveReader(pipe.ReaderNumber));
        Assert.False(test.Loop.RemoveReader(pipe.ReaderNumber));
        log.Clear();
        test.Loop.AddWriter(pipe.WriterNumber, () => log.Add("first"));
        test.Loop.AddWriter(pipe.WriterNumber, () => log.Add("second"));
        await NetTest.Until(() => log.Count >= 2);
        Assert.DoesNotContain("first", log);
        Assert.True(test.Loop.RemoveWriter(pipe.WriterNumber));
    });

    [Fact]
    public void A_callback_that_is_queued_and_then_removed_does_not_run() => NetTest.Run(async test =>
    {
        using var one = new RawPipe();
        using var two = new RawPipe();
        one.Write("x"u8);
        two.Write("x"u8);
        var calls = 0;

        // Both are queued by the same poll; whichever comes first removes both.
        test.Loop.AddReader(one.ReaderNumber, RemoveBoth);
        test.Loop.AddReader(two.ReaderNumber, RemoveBoth);
        await NetTest.Polls(5);
        Assert.Equal(1, calls);

        void RemoveBoth()
        {
            calls++;
            Assert.True(test.Loop.RemoveReader(one.ReaderNumber));
            Assert.True(test.Loop.RemoveReader(two.ReaderNumber));
        }
    });

    [Fact]
    public void Callbacks_run_in_the_context_of_who_added_them_and_in_no_task() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var local = new AsyncLocal<string> { Value = "added" };
        string? seen = null;
        LoopTask? task = null;
        test.Loop.AddReader(pipe.ReaderNumber, () =>
        {
            seen = local.Value;
            task = LoopTask.Current;
            local.Value = "changed";
            test.Loop.RemoveReader(pipe.ReaderNumber);
        });
        local.Value = "later";
        pipe.Write("x"u8);
        await NetTest.Until(() => seen is not null);
        Assert.Equal(("added", null, "later"), (seen, task, local.Value));
    });

    [Fact]
    public void A_callback_that_throws_is_reported_and_called_again() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var calls = 0;
        test.Loop.AddReader(pipe.ReaderNumber, () =>
        {
            calls++;
            throw new FormatException("bad");
        });
        pipe.Write("x"u8);
        await NetTest.Until(() => calls >= 2);
        test.Loop.RemoveReader(pipe.ReaderNumber);
        Assert.All(test.TakeReports(), report => Assert.IsType<FormatException>(report.Exception));
    });

    [Fact]
    [CPython("test_unix_events.TestFunctional.test_add_reader_or_writer_transport_fd",
        Improvement = "Only to add is refused: there is never anything to remove.")]
    public void What_cannot_be_watched_is_refused() => NetTest.Run(async test =>
    {
        var loop = test.Loop;
        using var file = File.OpenHandle(typeof(WatchingTests).Assembly.Location);
        var isFile = Assert.Throws<ArgumentException>(() => loop.AddReader(file, () => { }));
        Assert.Contains("regular file", isFile.Message, StringComparison.Ordinal);
        var isNone = Assert.Throws<ArgumentException>(() => loop.AddReader(1_000_000, () => { }));
        Assert.Contains("is not open", isNone.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => loop.AddWriter(-1, () => { }));
        Assert.Throws<ArgumentNullException>(() => loop.AddWriter(0, null!));
        Assert.False(loop.RemoveReader(file));
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        var refusal = Assert.Throws<InvalidOperationException>(() => loop.AddReader((int)client.Handle, () => { }));
        Assert.Contains("belongs to a connection or socket of this loop", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => loop.AddWriter((int)client.Handle, () => { }));
        Assert.False(loop.RemoveReader((int)client.Handle));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await loop.WaitWritableAsync((int)server.Handle));
    });

    [Fact]
    public void A_closed_loop_refuses_to_add_and_has_nothing_to_remove() => LoopTest.OnThread(() =>
    {
        using var pipe = new RawPipe();
        var loop = new EventLoop(new EventLoopOptions { Driver = TestDriver.Create() });
        loop.AddReader(pipe.ReaderNumber, () => { });
        loop.Dispose();
        Assert.Throws<InvalidOperationException>(() => loop.AddReader(pipe.ReaderNumber, () => { }));
        Assert.Throws<InvalidOperationException>(() => loop.AddWriter(pipe.WriterNumber, () => { }));
        Assert.False(loop.RemoveReader(pipe.ReaderNumber));
        Assert.False(loop.RemoveWriter(pipe.WriterNumber));
    });

    [Fact]
    public void A_handle_that_is_watched_stays_open() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var calls = 0;
        test.Loop.AddReader(pipe.Reader, () => calls++);
        pipe.Reader.Dispose();
        pipe.Write("x"u8);
        await NetTest.Until(() => calls >= 2);
        Assert.True(test.Loop.RemoveReader(pipe.Reader));
        Assert.Throws<IOException>(() => pipe.Write("x"u8));
        Assert.Throws<ObjectDisposedException>(() => test.Loop.AddReader(pipe.Reader, () => { }));
    });

    [Fact]
    public void A_number_that_comes_back_is_watched_anew() => NetTest.Run(async test =>
    {
        var first = new RawPipe();
        var number = first.ReaderNumber;
        var calls = 0;
        test.Loop.AddReader(number, () => Assert.Fail("The old descriptor was told of."));
        first.Dispose();

        // A new pipe takes the lowest numbers that are free.
        using var second = new RawPipe();
        if (second.ReaderNumber == number)
        {
            second.Write("x"u8);
            test.Loop.AddReader(number, () => calls++);
            await NetTest.Until(() => calls >= 2);
        }

        Assert.True(test.Loop.RemoveReader(number));
    });

    [Fact]
    public void To_remove_the_watch_of_a_number_that_is_a_sockets_by_now_leaves_the_socket_alone() => NetTest.Run(async test =>
    {
        var pipe = new RawPipe();
        var number = pipe.ReaderNumber;
        test.Loop.AddReader(number, () => { });
        pipe.Dispose();
        var sockets = new List<LoopSocket>();
        while (sockets.All(socket => socket.Handle != number) && sockets.Count < 8)
        {
            var (first, second) = LoopSocket.CreatePair();
            sockets.AddRange(first, second);
        }

        foreach (var socket in sockets)
        {
            var receive = Coroutine.Start(Receive(socket));
            await NetTest.Polls(2);
            if (socket.Handle == number)
            {
                Assert.Throws<InvalidOperationException>(() => test.Loop.AddReader(number, () => { }));
                test.Loop.RemoveReader(number);
            }

            await sockets[sockets.IndexOf(socket) ^ 1].SendAsync("x"u8.ToArray());
            Assert.Equal(1, await receive);
        }

        test.Loop.RemoveReader(number);
        sockets.ForEach(socket => socket.Dispose());

        static async Coroutine<int> Receive(LoopSocket socket) => await socket.ReceiveAsync(new byte[10]);
    });

    [Fact]
    public void A_task_waits_for_a_descriptor() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        await test.Loop.WaitWritableAsync(pipe.Writer);
        for (var i = 0; i < 3; i++)
        {
            var wait = Coroutine.Start(Wait());
            await NetTest.Polls(2);
            Assert.False(wait.IsDone);
            pipe.Write("x"u8);
            await wait;
            Assert.Equal(1, pipe.Read());
        }

        pipe.Fill();
        var room = Coroutine.Start(WaitForRoom());
        await NetTest.Polls(2);
        Assert.False(room.IsDone);
        while (!room.IsDone)
        {
            pipe.Read();
            await NetTest.Polls(1);
        }

        await room;

        async Coroutine Wait() => await test.Loop.WaitReadableAsync(pipe.ReaderNumber);
        async Coroutine WaitForRoom() => await test.Loop.WaitWritableAsync(pipe.WriterNumber);
    });

    [Fact]
    public void A_wait_that_is_cancelled_leaves_nothing() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var wait = Coroutine.Start(Wait());
        await NetTest.Polls(2);
        var busy = Assert.Throws<InvalidOperationException>(() => test.Loop.AddReader(pipe.ReaderNumber, () => { }));
        Assert.Contains("a task waits for that", busy.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await test.Loop.WaitReadableAsync(pipe.Reader));
        wait.Cancel();
        await NetTest.AssertCancelled(wait);
        Assert.False(test.Loop.RemoveReader(pipe.ReaderNumber));
        var before = test.Driver.Statistics.Events;
        pipe.Write("x"u8);
        await NetTest.Polls(3);
        Assert.Equal(before, test.Driver.Statistics.Events);
        await test.Loop.WaitReadableAsync(pipe.Reader);
        var calls = 0;
        test.Loop.AddReader(pipe.ReaderNumber, () => calls++);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await test.Loop.WaitReadableAsync(pipe.Reader));
        await NetTest.Until(() => calls > 1);
        test.Loop.RemoveReader(pipe.ReaderNumber);

        async Coroutine Wait() => await test.Loop.WaitReadableAsync(pipe.Reader);
    });

    [Fact]
    public void A_wait_that_was_over_when_it_was_cancelled_has_happened() => NetTest.RunOnEpoll(async test =>
    {
        using var pipe = new RawPipe();
        var isOver = false;
        LoopTask? wait = null;
        using var other = new RawPipe();
        test.Loop.AddReader(other.ReaderNumber, () =>
        {
            test.Loop.RemoveReader(other.ReaderNumber);
            wait!.Cancel();
        });
        wait = Coroutine.Start(Wait());
        await NetTest.Polls(2);

        // Both are told by one poll: that of the callback first, since it was written to first.
        other.Write("x"u8);
        pipe.Write("x"u8);
        await NetTest.AssertCancelled(wait);
        Assert.True(isOver);

        async Coroutine Wait()
        {
            await test.Loop.WaitReadableAsync(pipe.Reader);
            isOver = true;
            await Coroutine.Yield();
        }
    });
}

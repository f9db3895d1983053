using System.Diagnostics;

namespace Baton.Tests.Files;

/// <summary>
/// Cancelling and closing in the middle of operations: memory stays whose it is, and no descriptor is left or closed too early.
/// </summary>
public class LoopFileCancellationTests
{
    [Fact]
    public void What_stands_in_line_is_withdrawn() => FileTest.RunByHand(async (executor, folder) =>
    {
        var file = await Open(executor, folder["a"], "before");
        var buffer = new byte[6];
        var writing = Coroutine.Start(Write(file, "after!"u8.ToArray()));
        var reading = Coroutine.Start(LoopFileTests.Read(file, buffer));
        await NetTest.Iterate(1);
        Assert.Equal(2, executor.Count);
        writing.Cancel();
        reading.Cancel("enough");
        await NetTest.AssertCancelled(writing);
        Assert.Equal("enough", (await Assert.ThrowsAsync<CancelledException>(async () => await reading)).Message);
        executor.RunNext();
        executor.RunNext();
        Assert.Equal(new byte[6], buffer);
        Assert.Equal("before", await File.ReadAllTextAsync(folder["a"]));
        Assert.Equal(6, file.Position);
        await Close(executor, file);
    });

    [Fact]
    public void A_read_that_has_begun_keeps_its_memory_and_is_delivered() => FileTest.RunByHand(async (executor, folder) =>
    {
        var file = await Open(executor, folder["a"], "before");
        using var memory = new HeldMemory(6);
        var isDelivered = false;
        var reading = Coroutine.Start(ReadAndGoOn());
        await NetTest.Iterate(1);
        var thread = executor.Start();
        memory.WaitUntilEntered();
        reading.Cancel();
        await NetTest.Iterate();
        Assert.False(reading.IsDone);
        memory.Release();
        thread.Join();
        await NetTest.AssertCancelled(reading);
        Assert.True(isDelivered);
        Assert.Equal("before"u8.ToArray(), memory.Bytes);
        await Close(executor, file);

        async Coroutine ReadAndGoOn()
        {
            Assert.Equal(6, await file.ReadAsync(memory.Memory, 0));
            isDelivered = true;
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void A_write_that_has_begun_is_done_and_moves_the_position() => FileTest.RunByHand(async (executor, folder) =>
    {
        var file = await Open(executor, folder["a"], "");
        using var memory = new HeldMemory(5);
        var writing = Coroutine.Start(Write(file, memory.Memory));
        await NetTest.Iterate(1);
        var thread = executor.Start();
        memory.WaitUntilEntered();
        Assert.Throws<InvalidOperationException>(() => file.Position = 3);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await file.ReadAsync(new byte[1]));
        writing.Cancel();
        memory.Release();
        thread.Join();

        // The task ends as cancelled, but what it had begun has happened.
        await NetTest.AssertCancelled(writing);
        Assert.Equal("\0\0\0\0\0", await File.ReadAllTextAsync(folder["a"]));
        Assert.Equal(5, file.Position);
        await Close(executor, file);
    });

    [Fact]
    public void An_open_that_stands_in_line_opens_nothing() => FileTest.RunByHand(async (executor, folder) =>
    {
        var opening = Coroutine.Start(LoopFile.OpenAsync(folder["a"], FileMode.Create, FileAccess.Write));
        await NetTest.Iterate(1);
        opening.Cancel();
        await NetTest.AssertCancelled(opening);
        executor.RunNext();
        Assert.False(File.Exists(folder["a"]));
    });

    [Fact]
    public void An_open_that_takes_its_time_is_given_up_and_what_it_opens_closed() => FileTest.RunByHand(async (executor, folder) =>
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The test wants a pipe with a name, and to see what is open.");
        using (var process = Process.Start("mkfifo", folder["pipe"]))
        {
            await process.WaitForExitAsync();
        }

        var opening = Coroutine.Start(LoopFile.OpenAsync(folder["pipe"]));
        await NetTest.Iterate(1);
        var thread = executor.Start();
        opening.Cancel();
        await NetTest.AssertCancelled(opening);

        // Opened for both it waits for nobody, and whoever waits for somebody goes on.
        using (File.OpenHandle(folder["pipe"], FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite))
        {
            thread.Join();
        }

        Assert.DoesNotContain(folder["pipe"], FileTest.OpenPaths());
    });

    [Fact]
    public void An_open_that_has_happened_is_delivered_in_spite_of_a_cancel() => FileTest.RunByHand(async (executor, folder) =>
    {
        LoopFile? file = null;
        var opening = Coroutine.Start(OpenAndGoOn());
        await NetTest.Iterate(1);
        executor.RunNext();
        opening.Cancel();
        await NetTest.AssertCancelled(opening);
        Assert.NotNull(file);
        await Close(executor, file);

        async Coroutine OpenAndGoOn()
        {
            file = await LoopFile.OpenAsync(folder["a"], FileMode.Create, FileAccess.Write);
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void Closing_waits_for_what_runs_and_refuses_what_comes() => FileTest.RunByHand(async (executor, folder) =>
    {
        var file = await Open(executor, folder["a"], "before");
        using var memory = new HeldMemory(6);
        var reading = Coroutine.Start(LoopFileTests.Read(file, memory.Memory));
        await NetTest.Iterate(1);
        var thread = executor.Start();
        memory.WaitUntilEntered();
        var closing = Coroutine.Start(CloseAsync(file));
        await NetTest.Iterate();
        Assert.True(file.IsClosed);
        Assert.False(file.Handle.IsClosed);
        Assert.Equal(0, executor.Count);
        Assert.Throws<ObjectDisposedException>(() => { _ = file.ReadAsync(new byte[1], 0); });
        Assert.Throws<ObjectDisposedException>(() => { _ = file.ReadAsync(Memory<byte>.Empty, 0); });
        memory.Release();
        thread.Join();
        Assert.Equal(6, await reading);
        Assert.False(closing.IsDone);
        await FileTest.RunAll(executor, closing);
        Assert.True(file.Handle.IsClosed);
        await file.DisposeAsync();
        file.Dispose();
        Assert.Contains("closed", file.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    public void A_close_that_is_cancelled_closes_all_the_same() => FileTest.RunByHand(async (executor, folder) =>
    {
        var file = await Open(executor, folder["a"], "");
        var first = Coroutine.Start(CloseAsync(file));
        var second = Coroutine.Start(CloseAsync(file));
        await NetTest.Iterate(1);
        first.Cancel();
        await NetTest.AssertCancelled(first);
        Assert.False(second.IsDone);
        await FileTest.RunAll(executor, second);
        Assert.True(file.Handle.IsClosed);
        Assert.Equal(0, executor.Count);
    });

    [Fact]
    public void An_executor_that_refuses_leaves_the_file_as_it_was() => FileTest.RunByHand(async (executor, folder) =>
    {
        var file = await Open(executor, folder["a"], "before");
        executor.Refusal = new InvalidOperationException("No.");
        Assert.Throws<InvalidOperationException>(() => { _ = file.ReadAsync(new byte[1]); });
        var reading = Coroutine.Start(LoopFileTests.Read(file, new byte[6]));
        await FileTest.RunAll(executor, reading);
        Assert.Equal(6, await reading);
        await Close(executor, file);
    });

    [Fact]
    public void Files_that_nobody_closed_are_reported_in_debug_mode() => LoopTest.OnThread(() =>
    {
        var warnings = new List<LoopWarning>();
        using var folder = new Net.Counterparts.TemporaryFolder();
        var options = new EventLoopOptions
        {
            Debug = true,
            Driver = TestDriver.Create(),
            WarningHandler = (_, warning) => warnings.Add(warning),
        };
        LoopFile? left = null;
        EventLoop.Run(Main, options);
        var warning = Assert.Single(warnings, static warning => warning.Kind == LoopWarningKind.UnclosedResource);
        Assert.Contains(folder["left"], warning.Message, StringComparison.Ordinal);
        left!.Dispose();
        Assert.True(left.Handle.IsClosed);
        FileTest.AssertAllClosed(folder);

        async Coroutine Main()
        {
            left = await LoopFile.OpenAsync(folder["left"], FileMode.Create, FileAccess.Write);
            await using var closed = await LoopFile.OpenAsync(folder["closed"], FileMode.Create, FileAccess.Write);
            (await LoopFile.OpenAsync(folder["also closed"], FileMode.Create, FileAccess.Write)).Dispose();
        }
    });

    [Fact]
    public void A_loop_that_closes_over_an_open_leaves_no_descriptor() => LoopTest.OnThread(() =>
    {
        using var folder = new Net.Counterparts.TemporaryFolder();
        var executor = new ManualExecutor();
        var options = new EventLoopOptions
        {
            Driver = TestDriver.Create(),
            FileExecutor = executor,
            ExceptionHandler = static (_, _) => { },
        };
        using (var loop = new EventLoop(options))
        {
            loop.CreateTask(LoopFile.OpenAsync(folder["early"], FileMode.Create, FileAccess.Write));
            loop.CreateTask(LoopFile.OpenAsync(folder["late"], FileMode.Create, FileAccess.Write));
            loop.CallSoon(() => loop.CallSoon(loop.Stop));
            loop.RunForever();
            Assert.Equal(2, executor.Count);
            executor.RunNext();
        }

        executor.RunNext();
        Assert.True(File.Exists(folder["late"]));
        FileTest.AssertAllClosed(folder);
    });

    private static async Coroutine<LoopFile> Open(ManualExecutor executor, string path, string content)
    {
        await File.WriteAllTextAsync(path, content);
        var opening = Coroutine.Start(LoopFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite));
        await FileTest.RunAll(executor, opening);
        var file = await opening;
        file.Position = content.Length;
        return file;
    }

    private static async Coroutine Close(ManualExecutor executor, LoopFile file)
    {
        var closing = Coroutine.Start(CloseAsync(file));
        await FileTest.RunAll(executor, closing);
        await closing;
        Assert.True(file.Handle.IsClosed);
    }

    private static async Coroutine CloseAsync(LoopFile file) => await file.CloseAsync();

    private static async Coroutine Write(LoopFile file, ReadOnlyMemory<byte> bytes) => await file.WriteAsync(bytes);
}

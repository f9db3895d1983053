using System.Text;
using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Files;

/// <summary>What <see cref="LoopFile"/> does when nothing goes wrong.</summary>
public class LoopFileTests
{
    [Fact]
    public void What_was_written_is_read() => FileTest.Run(async (_, folder) =>
    {
        var bytes = NetTest.Pattern(100_000);
        await using (var file = await LoopFile.OpenAsync(folder["a"], FileMode.Create, FileAccess.ReadWrite))
        {
            Assert.Equal(folder["a"], file.Path);
            await file.WriteAsync(bytes, 0);
            Assert.Equal(0, file.Position);
            var part = new byte[1000];
            Assert.Equal(1000, await file.ReadAsync(part, 50_000));
            Assert.Equal(bytes[50_000..51_000], part);
            Assert.Equal(10, await file.ReadAsync(part, 99_990));
            Assert.Equal(0, await file.ReadAsync(part, 100_000));
            Assert.Equal(0, await file.ReadAsync(part, 200_000));
            Assert.Equal(0, await file.ReadAsync(Memory<byte>.Empty, 0));
        }

        Assert.Equal(bytes, await LoopFile.ReadAllBytesAsync(folder["a"]));
    });

    [Fact]
    public void The_position_moves_by_what_was_read_and_written() => FileTest.Run(async (_, folder) =>
    {
        await using var file = await LoopFile.OpenAsync(folder["a"], FileMode.Create, FileAccess.ReadWrite);
        await file.WriteAsync("one "u8.ToArray());
        await file.WriteAsync("two "u8.ToArray());
        Assert.Equal(8, file.Position);
        await file.WriteAsync("three"u8.ToArray());
        file.Position = 4;
        var part = new byte[4];
        Assert.Equal(4, await file.ReadAsync(part));
        Assert.Equal("two "u8.ToArray(), part);
        Assert.Equal(8, file.Position);
        Assert.Equal("three"u8.ToArray(), await file.ReadAllAsync());
        Assert.Equal(13, file.Position);
        Assert.Empty(await file.ReadAllAsync());
        Assert.Throws<ArgumentOutOfRangeException>(() => file.Position = -1);
    });

    [Fact]
    public void Reads_and_writes_of_several_buffers() => FileTest.Run(async (_, folder) =>
    {
        await using var file = await LoopFile.OpenAsync(folder["a"], FileMode.Create, FileAccess.ReadWrite);
        await file.WriteAsync(new ReadOnlyMemory<byte>[] { "ab"u8.ToArray(), "cde"u8.ToArray() }, 1);
        var first = new byte[3];
        var second = new byte[10];
        Assert.Equal(6, await file.ReadAsync(new Memory<byte>[] { first, second }, 0));
        Assert.Equal("\0ab"u8.ToArray(), first);
        Assert.Equal("cde"u8.ToArray(), second[..3]);
    });

    [Fact]
    public void A_file_that_is_opened_to_be_appended_to_begins_at_its_end() => FileTest.Run(async (_, folder) =>
    {
        await LoopFile.WriteAllBytesAsync(folder["a"], "old "u8.ToArray());
        await using (var file = await LoopFile.OpenAsync(folder["a"], FileMode.Append, FileAccess.Write))
        {
            Assert.Equal(4, file.Position);
            await file.WriteAsync("new"u8.ToArray());
        }

        Assert.Equal("old new", await File.ReadAllTextAsync(folder["a"]));
    });

    [Fact]
    public void The_length_is_set_and_told() => FileTest.Run(async (_, folder) =>
    {
        await using var file = await LoopFile.OpenAsync(folder["a"], FileMode.Create, FileAccess.ReadWrite);
        await file.WriteAsync(NetTest.Pattern(1000));
        await file.SetLengthAsync(10);
        Assert.Equal(10, (await file.StatAsync()).Length);
        await file.SetLengthAsync(20);
        byte[] expected = [.. NetTest.Pattern(10), .. new byte[10]];
        Assert.Equal(expected, await LoopFile.ReadAllBytesAsync(folder["a"]));
        await file.FlushAsync();
        await file.FlushAsync(dataOnly: true);
    });

    [Fact]
    public void A_length_that_no_file_can_have_is_a_failure_of_the_file() => FileTest.Run(async (_, folder) =>
    {
        await using var file = await LoopFile.OpenAsync(folder["a"], FileMode.Create, FileAccess.ReadWrite);
        var failure = await Assert.ThrowsAsync<IOException>(async () => await file.SetLengthAsync(long.MaxValue));
        Assert.Contains(folder["a"], failure.Message, StringComparison.Ordinal);
        failure = await Assert.ThrowsAsync<IOException>(async () => await file.WriteAsync(new byte[2], long.MaxValue - 2));
        Assert.Contains(folder["a"], failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_status_tells_what_the_system_knows() => FileTest.Run(async (_, folder) =>
    {
        await LoopFile.WriteAllBytesAsync(folder["a"], new byte[123]);
        const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder["a"], Mode);
        }

        var time = new DateTime(2001, 2, 3, 4, 5, 6, DateTimeKind.Utc).AddTicks(1_234_567);
        File.SetLastWriteTimeUtc(folder["a"], time);
        File.CreateSymbolicLink(folder["link"], folder["a"]);

        var status = await LoopFile.StatAsync(folder["a"]);
        Assert.Equal(FileKind.Regular, status.Kind);
        Assert.Equal(123, status.Length);
        Assert.Equal(OperatingSystem.IsWindows() ? UnixFileMode.None : Mode, status.Mode);
        Assert.Equal(time, status.LastWriteTime.UtcDateTime);
        Assert.Equal(1, status.LinkCount);
        Assert.Equal(status, await LoopFile.StatAsync(folder["link"]));
        Assert.Equal(FileKind.SymbolicLink, (await LoopFile.StatAsync(folder["link"], followLink: false)).Kind);
        Assert.Equal(FileKind.Directory, (await LoopFile.StatAsync(folder.Path)).Kind);
        await using var file = await LoopFile.OpenAsync(folder["a"]);
        Assert.Equal(status, await file.StatAsync());
        if (OperatingSystem.IsLinux())
        {
            Assert.NotEqual(0UL, status.Number);
            Assert.Equal(FileKind.CharacterDevice, (await LoopFile.StatAsync("/dev/null")).Kind);
            Assert.True(status.LastStatusChangeTime > status.LastWriteTime);
        }
    });

    [Fact]
    public void Files_are_renamed_in_the_place_of_others_or_not() => FileTest.Run(async (_, folder) =>
    {
        await LoopFile.WriteAllBytesAsync(folder["a"], "a"u8.ToArray());
        await LoopFile.WriteAllBytesAsync(folder["b"], "b"u8.ToArray());
        var failure = await Assert.ThrowsAsync<IOException>(
            async () => await LoopFile.RenameAsync(folder["a"], folder["b"], replace: false));
        Assert.Contains(folder["a"], failure.Message, StringComparison.Ordinal);
        Assert.Contains(folder["b"], failure.Message, StringComparison.Ordinal);
        Assert.Equal("b", await File.ReadAllTextAsync(folder["b"]));
        await LoopFile.RenameAsync(folder["a"], folder["c"], replace: false);
        await LoopFile.RenameAsync(folder["c"], folder["b"]);
        Assert.Equal("a", await File.ReadAllTextAsync(folder["b"]));
        Assert.Equal(["b"], await LoopFile.ListAsync(folder.Path));
    });

    [Fact]
    public void Files_are_deleted_and_directories_made_and_listed() => FileTest.Run(async (_, folder) =>
    {
        await LoopFile.CreateDirectoryAsync(folder["one/two"]);
        await LoopFile.CreateDirectoryAsync(folder["one/two"]);
        await LoopFile.WriteAllBytesAsync(folder["one/x"], default);
        Assert.Equal(["two", "x"], (await LoopFile.ListAsync(folder["one"])).Order());
        Assert.True(await LoopFile.DeleteAsync(folder["one/x"]));
        Assert.False(await LoopFile.DeleteAsync(folder["one/x"]));
        Assert.False(File.Exists(folder["one/x"]));
    });

    [Fact]
    public void Failures_name_the_operation_and_the_path() => FileTest.Run(async (_, folder) =>
    {
        var missing = await Assert.ThrowsAsync<FileNotFoundException>(async () => await LoopFile.OpenAsync(folder["no"]));
        Assert.Equal(folder["no"], missing.FileName);
        Assert.StartsWith($"Opening '{folder["no"]}' failed", missing.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<DirectoryNotFoundException>(async () => await LoopFile.OpenAsync(folder["no/no"]));
        await Assert.ThrowsAsync<FileNotFoundException>(async () => await LoopFile.StatAsync(folder["no"]));
        await Assert.ThrowsAsync<FileNotFoundException>(async () => await LoopFile.RenameAsync(folder["no"], folder["x"]));
        await Assert.ThrowsAsync<UnauthorizedAccessException>(async () => await LoopFile.OpenAsync(folder.Path));
        await Assert.ThrowsAsync<DirectoryNotFoundException>(async () => await LoopFile.ListAsync(folder["no"]));
        Assert.NotNull(await Record.ExceptionAsync(async () => await LoopFile.DeleteAsync(folder.Path)));

        await LoopFile.WriteAllBytesAsync(folder["a"], "a"u8.ToArray());
        await using var file = await LoopFile.OpenAsync(folder["a"]);
        var refused = await Record.ExceptionAsync(async () => await file.WriteAsync("b"u8.ToArray()));
        Assert.StartsWith($"Writing '{folder["a"]}' failed", refused!.Message, StringComparison.Ordinal);
        Assert.Equal(0, file.Position);
        await using var writer = await LoopFile.OpenAsync(folder["b"], FileMode.Create, FileAccess.Write);
        await Assert.ThrowsAsync<UnauthorizedAccessException>(async () => await writer.ReadAsync(new byte[1]));
    });

    [Fact]
    public void A_lock_of_another_keeps_it_from_being_opened() => FileTest.Run(async (_, folder) =>
    {
        await using (await LoopFile.OpenAsync(folder["a"], FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            await Assert.ThrowsAsync<IOException>(
                async () => await LoopFile.OpenAsync(folder["a"], FileMode.Open, FileAccess.ReadWrite, FileShare.None));
        }

        await using var file = await LoopFile.OpenAsync(folder["a"], FileMode.Open, FileAccess.ReadWrite, FileShare.None);
        Assert.Equal(0, (await file.StatAsync()).Length);
    });

    [Fact]
    public void The_loop_goes_on_while_files_are_worked_on()
    {
        // By threads, whatever the driver could do.
        using var executor = new ThreadPoolExecutor(4, "files");
        FileTest.Run((_, folder) => GoOnWhileFilesAreWorkedOn(folder), options => options.FileExecutor = executor);
    }

    private static async Coroutine GoOnWhileFilesAreWorkedOn(TemporaryFolder folder)
    {
        await using var file = await LoopFile.OpenAsync(folder["a"], FileMode.Create, FileAccess.ReadWrite);
        await file.WriteAsync(new byte[1000]);
        using var memory = new HeldMemory(100);
        var reading = Coroutine.Start(Read(file, memory.Memory));
        await NetTest.Iterate(1);
        memory.WaitUntilEntered();

        // Others are not held up by it: there are four threads.
        var tasks = Enumerable.Range(0, 20).Select(_ => Coroutine.Start(Read(file, new byte[100]))).ToArray();
        foreach (var task in tasks)
        {
            Assert.Equal(100, await task);
        }

        Assert.False(reading.IsDone);
        memory.Release();
        Assert.Equal(100, await reading);
    }

    [Fact]
    public void Reads_and_writes_allocate_nothing()
    {
        using var executor = new DedicatedThreadExecutor("files");
        FileTest.Run(
            async (test, folder) =>
            {
                await using var file = await LoopFile.OpenAsync(folder["a"], FileMode.Create, FileAccess.ReadWrite);
                var bytes = new byte[4096];
                long onLoop = 0, onThread = 0;
                for (var i = 0; i < 1200; i++)
                {
                    if (i == 200)
                    {
                        onThread = await AllocatedBy(test.Loop, executor);
                        onLoop = GC.GetAllocatedBytesForCurrentThread();
                    }

                    await file.WriteAsync(bytes, 4096 * (i % 8));
                    await file.ReadAsync(bytes, 4096 * (i % 8));
                    file.Position = 0;
                    await file.ReadAsync(bytes);
                }

                Assert.Equal(0, (GC.GetAllocatedBytesForCurrentThread() - onLoop) / 1000);
                Assert.Equal(0, (await AllocatedBy(test.Loop, executor) - onThread) / 1000);
            },
            options => options.FileExecutor = executor);
    }

    [Fact]
    public void Text_is_text() => FileTest.Run(async (_, folder) =>
    {
        await LoopFile.WriteAllBytesAsync(folder["a"], "äöü"u8.ToArray());
        Assert.Equal("äöü", Encoding.UTF8.GetString(await LoopFile.ReadAllBytesAsync(folder["a"])));
        Assert.NotEmpty(await LoopFile.ReadAllBytesAsync(OperatingSystem.IsLinux() ? "/proc/self/status" : folder["a"]));
    });

    private static Future<long> AllocatedBy(EventLoop loop, DedicatedThreadExecutor executor) =>
        loop.RunInExecutor(GC.GetAllocatedBytesForCurrentThread, executor);

    internal static async Coroutine<int> Read(LoopFile file, Memory<byte> buffer) => await file.ReadAsync(buffer, 0);
}

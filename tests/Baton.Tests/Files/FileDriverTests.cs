using System.Runtime.InteropServices;
using Baton.Drivers;

namespace Baton.Tests.Files;

/// <summary>
/// A driver that has the system do what is asked of files, or says that it does: the contract between it and <see cref="LoopFile"/>.
/// </summary>
public class FileDriverTests
{
    [Fact]
    public void A_driver_does_what_it_takes_and_threads_do_the_rest() => Run(async (driver, path) =>
    {
        await using var file = await LoopFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite);
        driver.Handler = request =>
        {
            if (request.Kind != IoFileOperationKind.Read)
            {
                return false;
            }

            "driven"u8.CopyTo(request.Buffer.Span);
            request.BytesTransferred = 6;
            return true;
        };
        var buffer = new byte[10];
        Assert.Equal(6, await file.ReadAsync(buffer));
        Assert.Equal("driven"u8.ToArray(), buffer[..6]);
        Assert.Equal(6, file.Position);
        await file.SetLengthAsync(3);
        Assert.Equal([IoFileOperationKind.Read], driver.Done);
        Assert.Equal(3, new FileInfo(path).Length);
        driver.Handler = null;
    });

    [Fact]
    public void A_write_that_a_driver_does_in_parts_is_one() => Run(async (driver, path) =>
    {
        await using var file = await LoopFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite);
        var written = new List<(long Offset, byte[] Bytes)>();
        driver.Handler = request =>
        {
            var count = Math.Min(4, request.Buffer.Length);
            written.Add((request.Offset, request.Buffer[..count].ToArray()));
            request.BytesTransferred = count;
            return true;
        };
        file.Position = 100;
        await file.WriteAsync("0123456789"u8.ToArray());
        Assert.Equal(110, file.Position);
        Assert.Equal([100, 104, 108], written.Select(part => part.Offset));
        Assert.Equal("0123456789"u8.ToArray(), written.SelectMany(part => part.Bytes));
        driver.Handler = request => request.Kind == IoFileOperationKind.Write;
        var failure = await Assert.ThrowsAsync<IOException>(async () => await file.WriteAsync("x"u8.ToArray()));
        Assert.Contains(path, failure.Message, StringComparison.Ordinal);
        driver.Handler = null;
    });

    [Fact]
    public void The_error_numbers_of_a_driver_are_the_exceptions_of_the_BCL() => Run(async (driver, path) =>
    {
        await using var file = await LoopFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite);
        var error = 2;
        driver.Handler = request =>
        {
            request.Error = error;
            return true;
        };
        await Assert.ThrowsAsync<FileNotFoundException>(async () => await LoopFile.OpenAsync("x"));
        Assert.False(await LoopFile.DeleteAsync("x"));
        error = 20;
        await Assert.ThrowsAsync<DirectoryNotFoundException>(async () => await LoopFile.OpenAsync("x"));
        error = 13;
        await Assert.ThrowsAsync<UnauthorizedAccessException>(async () => await LoopFile.DeleteAsync("x"));
        error = 36;
        await Assert.ThrowsAsync<PathTooLongException>(async () => await LoopFile.StatAsync("x"));
        error = 28;
        var full = await Assert.ThrowsAsync<IOException>(async () => await file.WriteAsync(new byte[1]));
        Assert.Equal(28, full.HResult);
        Assert.Contains(Marshal.GetPInvokeErrorMessage(28), full.Message, StringComparison.Ordinal);
        driver.Handler = null;
    });

    [Fact]
    public void A_status_of_a_driver_is_the_kernels() => Run(async (driver, path) =>
    {
        driver.Handler = request =>
        {
            Assert.Equal(256, request.Buffer.Length);
            var raw = request.Buffer.Span;
            MemoryMarshal.Write(raw[28..], (ushort)(0x4000 | 0x1ED));
            MemoryMarshal.Write(raw[40..], 4711L);
            MemoryMarshal.Write(raw[112..], -1L);
            MemoryMarshal.Write(raw[120..], 500_000_000U);
            return true;
        };
        var status = await LoopFile.StatAsync(path);
        Assert.Equal(FileKind.Directory, status.Kind);
        Assert.Equal(4711, status.Length);
        Assert.Equal((UnixFileMode)0x1ED, status.Mode);
        Assert.Equal(DateTimeOffset.UnixEpoch.AddSeconds(-0.5), status.LastWriteTime);
        Assert.Null(status.CreationTime);
        driver.Handler = null;
    });

    [Fact]
    public void A_cancel_is_the_drivers_to_grant() => Run(async (driver, path) =>
    {
        await using var file = await LoopFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite);
        driver.Handler = _ => true;
        driver.IsHeld = true;
        var granted = Coroutine.Start(LoopFileTests.Read(file, new byte[1]));
        await NetTest.Iterate(1);
        granted.Cancel();
        await NetTest.AssertCancelled(granted);

        // One that has happened is delivered.
        driver.GrantsCancels = false;
        var isDelivered = false;
        var refused = Coroutine.Start(ReadAndGoOn());
        await NetTest.Iterate(1);
        refused.Cancel();
        await NetTest.Iterate();
        Assert.False(refused.IsDone);
        driver.IsHeld = false;
        await NetTest.AssertCancelled(refused);
        Assert.True(isDelivered);
        driver.Handler = null;

        async Coroutine ReadAndGoOn()
        {
            await file.ReadAsync(new byte[1], 0);
            isDelivered = true;
            await Coroutine.Yield();
        }
    });

    private static void Run(Func<FileDriver, string, Coroutine> main)
    {
        var driver = new FileDriver();
        LoopTest.OnThread(() =>
        {
            using var folder = new Net.Counterparts.TemporaryFolder();
            EventLoop.Run(() => main(driver, folder["a"]), new EventLoopOptions { Driver = driver });
            FileTest.AssertAllClosed(folder);
        });
    }

    /// <summary>Ends at the next poll what a test says that it takes.</summary>
    private sealed class FileDriver : PortableDriver
    {
        private readonly List<IoFileRequest> _requests = [];

        /// <summary>Does an operation; false where it does not take it.</summary>
        public Func<IoFileRequest, bool>? Handler { get; set; }

        public List<IoFileOperationKind> Done { get; } = [];

        public bool IsHeld { get; set; }

        public bool GrantsCancels { get; set; } = true;

        public override bool SubmitFile(IoFileRequest request)
        {
            if (Handler?.Invoke(request) != true)
            {
                return false;
            }

            _requests.Add(request);
            return true;
        }

        public override void CancelFile(IoFileRequest request)
        {
            if (GrantsCancels && _requests.Remove(request))
            {
                request.Error = IoFileRequest.CancelledError;
                request.Finish();
            }
        }

        public override void Poll(long timeout)
        {
            base.Poll(_requests.Count > 0 ? 0 : timeout);
            if (IsHeld)
            {
                return;
            }

            var requests = _requests.ToArray();
            _requests.Clear();
            foreach (var request in requests)
            {
                Done.Add(request.Kind);
                request.Finish();
            }
        }
    }
}

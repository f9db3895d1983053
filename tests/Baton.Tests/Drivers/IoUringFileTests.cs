using System.IO.Pipes;
using System.Text;
using Baton.Tests.Net.Counterparts;
using Microsoft.Win32.SafeHandles;

namespace Baton.Tests.Drivers;

/// <summary>Files in the kernel: what the driver takes, what it holds meanwhile, and what is cancelled.</summary>
public class IoUringFileTests
{
    private const int BadDescriptor = 9; // EBADF
    private const int NoSuchFile = 2; // ENOENT

    [Fact]
    public void Everything_is_done_but_what_the_BCL_does_better() => Run((test, folder) =>
    {
        using var file = File.OpenHandle(folder["a"], FileMode.Create, FileAccess.ReadWrite);
        var bytes = "hello, world"u8.ToArray();
        var write = Do(test, new FileRequest(test.Loop, IoFileOperationKind.Write) { File = file, Buffer = bytes, Offset = 3 });
        Assert.Equal((0, 12), (write.Error, write.BytesTransferred));
        var buffer = new byte[100];
        var read = Do(test, new FileRequest(test.Loop, IoFileOperationKind.Read) { File = file, Buffer = buffer, Offset = 10 });
        Assert.Equal((0, 5), (read.Error, read.BytesTransferred));
        Assert.Equal("world", Encoding.UTF8.GetString(buffer, 0, 5));
        read = Do(test, new FileRequest(test.Loop, IoFileOperationKind.Read) { File = file, Buffer = buffer, Offset = 15 });
        Assert.Equal((0, 0), (read.Error, read.BytesTransferred));
        Assert.Equal(0, Do(test, new FileRequest(test.Loop, IoFileOperationKind.Flush) { File = file }).Error);
        Assert.Equal(0, Do(test, new FileRequest(test.Loop, IoFileOperationKind.FlushData) { File = file }).Error);
        var status = Do(test, new FileRequest(test.Loop, IoFileOperationKind.Status) { File = file, Buffer = new byte[256] });
        Assert.Equal(15, BitConverter.ToInt64(status.Buffer.Span[40..]));
        File.CreateSymbolicLink(folder["link"], folder["a"]);
        status = Do(test, new FileRequest(test.Loop, IoFileOperationKind.Status) { Path = folder["link"], Buffer = new byte[256] });
        Assert.Equal(15, BitConverter.ToInt64(status.Buffer.Span[40..]));
        var look = new FileRequest(test.Loop, IoFileOperationKind.Status) { Path = folder["link"], Flag = true, Buffer = new byte[256] };
        status = Do(test, look);
        Assert.Equal(folder["a"].Length, BitConverter.ToInt64(status.Buffer.Span[40..]));
        var rename = new FileRequest(test.Loop, IoFileOperationKind.Rename) { Path = folder["a"], NewPath = folder["ä"], Flag = true };
        Assert.Equal(0, Do(test, rename).Error);
        Assert.True(File.Exists(folder["ä"]));
        Assert.Equal(0, Do(test, new FileRequest(test.Loop, IoFileOperationKind.Delete) { Path = folder["ä"] }).Error);
        Assert.Equal(NoSuchFile, Do(test, new FileRequest(test.Loop, IoFileOperationKind.Delete) { Path = folder["ä"] }).Error);
        Assert.All(
            new FileRequest[]
            {
                new(test.Loop, IoFileOperationKind.Open) { Path = folder["link"] },
                new(test.Loop, IoFileOperationKind.Close) { File = file },
                new(test.Loop, IoFileOperationKind.Read) { File = file, Buffers = [buffer] },
                new(test.Loop, IoFileOperationKind.Write) { File = file, SourceBuffers = [buffer] },
                new(test.Loop, IoFileOperationKind.Rename) { Path = folder["link"], NewPath = folder["b"] },
            },
            request => Assert.False(test.Driver.SubmitFile(request)));
    });

    [Fact]
    public void A_file_is_cut_off_by_the_kernel_where_that_can() => Run((test, folder) =>
    {
        using var file = File.OpenHandle(folder["a"], FileMode.Create, FileAccess.ReadWrite);
        var request = new FileRequest(test.Loop, IoFileOperationKind.SetLength) { File = file, Offset = 77 };
        Assert.SkipUnless(test.Driver.SubmitFile(request), "This kernel's rings cannot set the length of a file.");
        test.PollUntil(() => request.Finishes > 0);
        Assert.Equal(0, request.Error);
        Assert.Equal(77, RandomAccess.GetLength(file));
    });

    [Fact]
    public void Errors_are_the_numbers_of_the_system() => Run((test, folder) =>
    {
        File.WriteAllText(folder["a"], "x");
        using var file = File.OpenHandle(folder["a"]);
        var write = Do(test, new FileRequest(test.Loop, IoFileOperationKind.Write) { File = file, Buffer = new byte[1] });
        Assert.Equal((BadDescriptor, 0), (write.Error, write.BytesTransferred));
        file.Dispose();
        Assert.Throws<ObjectDisposedException>(
            () => test.Driver.SubmitFile(new FileRequest(test.Loop, IoFileOperationKind.Read) { File = file, Buffer = new byte[1] }));
    });

    [Fact]
    public void A_read_that_waits_holds_its_memory_and_its_file_until_it_has_ended() => Run((test, _) =>
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.GetClientHandleAsString());
        var handle = new SafeFileHandle(client.SafePipeHandle.DangerousGetHandle(), ownsHandle: true);
        client.SafePipeHandle.SetHandleAsInvalid();
        var garbage = new byte[100_000];
        var buffer = new byte[10];
        var read = new FileRequest(test.Loop, IoFileOperationKind.Read) { File = handle, Buffer = buffer };
        Assert.True(test.Driver.SubmitFile(read));
        handle.Dispose();
        test.PollSome();
        GC.KeepAlive(garbage);
        garbage = null;

        // Memory that is not held would move now, and a pipe that nobody reads any more refuse what is written.
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        Assert.Equal(0, read.Finishes);
        server.Write([1, 2, 3]);
        test.PollUntil(() => read.Finishes > 0);
        Assert.Equal((0, 3), (read.Error, read.BytesTransferred));
        Assert.Equal([1, 2, 3], buffer[..3]);
        Assert.Throws<IOException>(() => server.Write([1]));
    });

    [Fact]
    public void A_read_that_is_cancelled_ends_without_effect_or_as_it_ended() => Run((test, _) =>
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.GetClientHandleAsString());
        using var handle = new SafeFileHandle(client.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        var cancelled = 0;
        for (var i = 0; i < 100; i++)
        {
            var read = new FileRequest(test.Loop, IoFileOperationKind.Read) { File = handle, Buffer = new byte[10] };
            Assert.True(test.Driver.SubmitFile(read));
            if (i % 2 == 0)
            {
                test.Driver.Poll(0);
            }

            if (i % 3 == 0)
            {
                server.WriteByte(1);
            }

            test.Driver.CancelFile(read);
            test.PollUntil(() => read.Finishes > 0);
            if (read.Error == 0)
            {
                Assert.Equal((0, 1), (i % 3, read.BytesTransferred));
            }
            else
            {
                Assert.Equal(IoFileRequest.CancelledError, read.Error);
                cancelled++;
                if (i % 3 == 0)
                {
                    Assert.Equal(1, client.ReadByte());
                }
            }
        }

        Assert.InRange(cancelled, 66, 100);
    });

    [Fact]
    public void A_driver_that_is_disposed_of_ends_what_the_kernel_does() => LoopTest.OnThread(() =>
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.GetClientHandleAsString());
        using var handle = new SafeFileHandle(client.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        var driver = TestDriver.CreateForRings();
        using var loop = new EventLoop(new EventLoopOptions { Driver = driver });
        var read = new FileRequest(loop, IoFileOperationKind.Read) { File = handle, Buffer = new byte[10] };
        Assert.True(driver.SubmitFile(read));
        driver.Poll(0);
        driver.Dispose();
        Assert.Equal((1, IoFileRequest.CancelledError), (read.Finishes, read.Error));
    });

    [Fact]
    public void A_loop_that_goes_on_on_another_thread_knows_no_more_of_what_the_kernel_did_for_the_first() => LoopTest.OnThread(() =>
    {
        using var server = new AnonymousPipeServerStream(PipeDirection.Out);
        using var client = new AnonymousPipeClientStream(PipeDirection.In, server.GetClientHandleAsString());
        using var handle = new SafeFileHandle(client.SafePipeHandle.DangerousGetHandle(), ownsHandle: false);
        using var driver = TestDriver.CreateForRings();
        FileRequest? read = null;
        EventLoop? loop = null;
        using (LoopTest.StartThread(() =>
        {
            loop = new EventLoop(new EventLoopOptions { Driver = driver });
            read = new FileRequest(loop, IoFileOperationKind.Read) { File = handle, Buffer = new byte[10] };
            Assert.True(driver.SubmitFile(read));
            driver.Poll(0);
        }))
        {
        }

        driver.Poll(0);
        Assert.Equal((1, IoFileRequest.CancelledError), (read!.Finishes, read.Error));
        var next = new FileRequest(loop!, IoFileOperationKind.Read) { File = handle, Buffer = new byte[10] };
        server.WriteByte(1);
        Assert.True(driver.SubmitFile(next));
        driver.Poll(1_000_000_000);
        Assert.Equal((1, 0, 1), (next.Finishes, next.Error, next.BytesTransferred));
    });

    [Fact]
    public void Hundreds_of_operations_at_once_are_done_in_a_few_calls() => Run((test, folder) =>
    {
        using var file = File.OpenHandle(folder["a"], FileMode.Create, FileAccess.ReadWrite);
        var bytes = NetTest.Pattern(400 * 100);
        RandomAccess.Write(file, bytes, 0);
        var before = test.Driver.Statistics;
        var reads = Enumerable.Range(0, 400)
            .Select(i => new FileRequest(test.Loop, IoFileOperationKind.Read) { File = file, Buffer = new byte[100], Offset = i * 100 })
            .ToList();
        Assert.All(reads, read => Assert.True(test.Driver.SubmitFile(read)));
        test.PollUntil(() => reads.All(read => read.Finishes == 1));
        Assert.InRange((test.Driver.Statistics - before).SystemCalls, 1, 200);
        Assert.Equal(bytes, reads.SelectMany(read => read.Buffer.ToArray()));
    });

    private static void Run(Action<ContractTest, TemporaryFolder> body) => ContractTest.Run(
        () => TestDriver.CreateForRings(),
        test =>
        {
            using var folder = new TemporaryFolder();
            body(test, folder);
        });

    private static FileRequest Do(ContractTest test, FileRequest request)
    {
        Assert.True(test.Driver.SubmitFile(request));
        Assert.Equal(0, request.Finishes);
        test.PollUntil(() => request.Finishes > 0);
        Assert.Equal(1, request.Finishes);
        return request;
    }

    private sealed class FileRequest : IoFileRequest
    {
        public FileRequest(EventLoop loop, IoFileOperationKind kind)
            : base(loop) => Kind = kind;

        public int Finishes { get; private set; }

        public override void Finish() => Finishes++;

        protected override bool RequestCancel(string? message) => false;

        protected override void OnResultTaken()
        {
        }
    }
}

using System.Net.Sockets;
using Baton.Tests.Files;
using Baton.Tests.Net.Counterparts;
using Baton.Tests.Net.Tls;
using Microsoft.Win32.SafeHandles;

namespace Baton.Tests.Net.SendFile;

/// <summary>What tests of files that are sent share.</summary>
internal static class SendFileTest
{
    /// <summary>More than small buffers hold, and no multiple of anything.</summary>
    internal static readonly byte[] Data = NetTest.Pattern(600_001);

    /// <summary>Whether the system sends files by itself, with the driver of this run and without TLS.</summary>
    internal static bool IsBySystem => EventLoop.Current.Driver.Name == "epoll";

    /// <summary>Runs a test with a file of <see cref="Data"/>, open.</summary>
    internal static void Run(Func<NetTest, LoopFile, Coroutine> main) =>
        FileTest.Run(async (test, folder) => await WithFile(test, folder, main));

    /// <inheritdoc cref="Run"/>
    internal static void RunOnEpoll(Func<NetTest, LoopFile, Coroutine> main, Action<EventLoopOptions>? configure = null) => NetTest.RunOnEpoll(
        async test =>
        {
            using var folder = new TemporaryFolder();
            await WithFile(test, folder, main);
            FileTest.AssertAllClosed(folder);
        },
        configure);

    /// <summary>With an executor for files whose work waits until the test has it run; the file is a handle.</summary>
    internal static void RunOnEpollByHand(ManualExecutor executor, Func<NetTest, SafeFileHandle, Coroutine> main) => NetTest.RunOnEpoll(
        async test =>
        {
            using var folder = new TemporaryFolder();
            await File.WriteAllBytesAsync(folder["data"], Data);
            using var handle = File.OpenHandle(folder["data"]);
            await main(test, handle);
        },
        options => options.FileExecutor = executor);

    /// <summary>Two connections of small buffers, over TLS or not, the sender first.</summary>
    internal static async Coroutine<(Connection Sender, Connection Receiver)> Connect(bool overTls = false)
    {
        var (sender, receiver) = await ConnectSockets();
        var result = (Sender: new Connection(sender), Receiver: new Connection(receiver));
        if (overTls)
        {
            await TlsTest.Upgrade(result.Sender, result.Receiver);
        }

        return result;
    }

    /// <summary>Two sockets of small buffers, the sender first.</summary>
    internal static async Coroutine<(LoopSocket Sender, LoopSocket Receiver)> ConnectSockets()
    {
        var (sender, receiver) = await NetTest.ConnectSockets();
        sender.SetOption(SocketOptionLevel.Socket, SocketOptionName.SendBuffer, 16 * 1024);
        receiver.SetOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveBuffer, 16 * 1024);
        return (sender, receiver);
    }

    /// <summary>Starts to send, and returns when a part has arrived that nobody takes, and the rest waits for room.</summary>
    internal static async Coroutine<LoopTask<long>> StartAndFill(Connection sender, Connection receiver, LoopFile file)
    {
        var sending = Coroutine.Start(sender.SendFileAsync(file));
        await WaitForPart(receiver);
        await NetTest.Polls(20);
        Assert.False(sending.IsDone);
        return sending;
    }

    /// <summary>Waits until something has arrived, and leaves it there.</summary>
    internal static async Coroutine WaitForPart(Connection receiver)
    {
        var read = await receiver.Input.ReadAsync();
        Assert.False(read.Buffer.IsEmpty);
        receiver.Input.AdvanceTo(read.Buffer.Start);
    }

    /// <summary>Reads what comes to the end, and returns how much before that or a reset.</summary>
    internal static async Coroutine<long> Drain(Connection connection)
    {
        var buffer = new byte[65536];
        var total = 0L;
        try
        {
            while (await connection.AsStream().ReadAsync(buffer) is > 0 and var count)
            {
                total += count;
            }
        }
        catch (IOException)
        {
            return -total;
        }

        return total;
    }

    private static async Coroutine WithFile(NetTest test, TemporaryFolder folder, Func<NetTest, LoopFile, Coroutine> main)
    {
        await LoopFile.WriteAllBytesAsync(folder["data"], Data);
        await using var file = await LoopFile.OpenAsync(folder["data"], FileMode.Open, FileAccess.ReadWrite);
        file.Position = 77;
        await main(test, file);
        if (!file.IsClosed)
        {
            Assert.Equal(77, file.Position);
        }
    }
}

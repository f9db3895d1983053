namespace Baton.Tests.Processes;

// Reading what children write by the pipe of the connection.
public sealed class ChildOutputTests
{
    [Fact]
    public void MuchOutputArrivesInLargeBlocks() => NetTest.RunOnEpoll(async _ =>
    {
        var data = NetTest.Pattern(5_000_000);
        await using var child = ChildProcess.Start("cat", [], ProcessTest.Pipes);
        var feed = Coroutine.Start(Feed(child.StandardInput!, data));
        using var received = new MemoryStream();
        var largest = 0;
        while (true)
        {
            var read = await child.StandardOutput!.Input.ReadAsync();
            foreach (var segment in read.Buffer)
            {
                largest = Math.Max(largest, segment.Length);
                received.Write(segment.Span);
            }

            child.StandardOutput.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                break;
            }
        }

        await feed;
        Assert.Equal(data, received.ToArray());
        Assert.InRange(largest, IoBlockPool.BlockSize + 1, IoBlockPool.LargeBlockSize);
    });

    [Fact]
    public void LinesOfAChattyChildArriveOneByOne() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("seq", ["20000"], ProcessTest.Pipes);
        for (var i = 1; i <= 20000; i++)
        {
            Assert.Equal($"{i}", await ProcessTest.ReadLine(child.StandardOutput!));
        }

        Assert.Null(await child.StandardOutput!.Input.ReadLineAsync());
    });

    private static async Coroutine Feed(Connection connection, byte[] data)
    {
        await connection.WriteAsync(data);
        await connection.CloseAsync();
    }
}

using System.Diagnostics;
using System.Globalization;

namespace Baton.Bench.Processes;

/// <summary>Reads what a child writes to a pipe.</summary>
internal static class PipeWorker
{
    private const int BufferSize = 64 * 1024;

    /// <param name="writer">A program that writes as many bytes as its second argument says.</param>
    /// <param name="asStream">Whether to read by the stream, into a buffer of 64 KiB, instead of by the pipe.</param>
    /// <param name="pipeSize">How much the pipe is to hold; null for the default.</param>
    public static int Run(string writer, bool asStream, int? pipeSize)
    {
        using var loop = new EventLoop();
        var options = new ChildProcessOptions { StandardOutput = StandardStream.Pipe, PipeSize = pipeSize };
        TurnPeer.Serve("Baton", work =>
        {
            var start = Stopwatch.GetTimestamp();
            loop.RunUntilComplete(ReadAll(writer, work, options, asStream));
            return Stopwatch.GetElapsedTime(start).TotalSeconds;
        });
        return 0;
    }

    private static async Coroutine ReadAll(string writer, string bytes, ChildProcessOptions options, bool asStream)
    {
        await using var child = ChildProcess.Start(writer, ["--write", bytes], options);
        var total = asStream ? await ReadStream(child.StandardOutput!) : await ReadPipe(child.StandardOutput!);
        if (await child.WaitForExitAsync() != 0 || total != long.Parse(bytes, CultureInfo.InvariantCulture))
        {
            throw new InvalidOperationException($"{total} bytes came of {child}.");
        }
    }

    private static async Coroutine<long> ReadPipe(Connection output)
    {
        var total = 0L;
        while (true)
        {
            var read = await output.Input.ReadAsync();
            total += read.Buffer.Length;
            output.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return total;
            }
        }
    }

    private static async Coroutine<long> ReadStream(Connection output)
    {
        var stream = output.AsStream();
        var buffer = new byte[BufferSize];
        var total = 0L;
        while (await stream.ReadAsync(buffer) is > 0 and var count)
        {
            total += count;
        }

        return total;
    }
}

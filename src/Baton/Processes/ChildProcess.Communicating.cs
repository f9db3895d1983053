using System.Buffers;
using System.Runtime.ExceptionServices;

namespace Baton;

public sealed partial class ChildProcess
{
    private const int FirstRead = 16 * 1024;

    /// <summary>
    /// Feeds the child's standard input and closes it, reads both outputs to their ends at the same time, and waits until the child has
    /// ended. Corresponds to <c>Process.communicate</c>.
    /// </summary>
    /// <param name="input">What to feed; must not change meanwhile. A child that stops reading before the end is no error.</param>
    /// <returns>What the child has written to pipes, and how it ended.</returns>
    /// <remarks>
    /// The outputs end when nobody holds the pipes any more, which may be long after the child has ended where it has left processes
    /// behind. Cancelled, this leaves the child running, its input closed; what was read is lost.
    /// </remarks>
    /// <exception cref="IOException">
    /// The child has written more than <see cref="ChildProcessOptions.OutputLimit"/> to one of its outputs.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// There is something to be fed and the standard input is no pipe; or somebody else reads or has closed a pipe.
    /// </exception>
    public async Coroutine<ChildResult> CommunicateAsync(ReadOnlyMemory<byte> input = default)
    {
        Loop.CheckThread();
        if (StandardInput is null && !input.IsEmpty)
        {
            throw new InvalidOperationException(
                $"The standard input of the {this} is no pipe, so that nothing can be fed to it: see ChildProcessOptions.StandardInput.");
        }

        byte[] output = [];
        byte[] error = [];
        if (StandardInput is null && StandardError is null)
        {
            output = await ReadToEndAsync(StandardOutput, "output");
        }
        else
        {
            LoopTask? feeding = null;
            LoopTask? reading = null;
            try
            {
                await TaskGroup.Run(async group =>
                {
                    if (StandardInput is { } pipe)
                    {
                        feeding = group.CreateTask(FeedAsync(pipe, input), $"feeding {this}");
                    }

                    if (StandardError is not null)
                    {
                        reading = group.CreateTask(ReadErrorAsync(), $"reading the errors of {this}");
                    }

                    output = await ReadToEndAsync(StandardOutput, "output");
                });
            }
            catch (AggregateException exception) when (exception.InnerExceptions is [var failure, ..])
            {
                ExceptionDispatchInfo.Throw(failure);
            }

            if (feeding is { IsCancelled: true } || reading is { IsCancelled: true })
            {
                // A child whose input was cut off ends its output in good order, perhaps before the cancel gets to where this reads it. What
                // was read is a part that nobody can tell from the whole.
                Coroutine.ThrowIfCancelled();
                throw new CancelledException($"The communication with the {this} was cancelled.");
            }
        }

        await Reaper.WaitAsync(isCancellable: true);
        return new ChildResult(_file, Reaper.Status!.Value, output, error);

        async Coroutine ReadErrorAsync() => error = await ReadToEndAsync(StandardError, "error stream");
    }

    private static async Coroutine FeedAsync(Connection pipe, ReadOnlyMemory<byte> input)
    {
        try
        {
            if (!pipe.IsClosed)
            {
                await pipe.WriteAsync(input);
                await pipe.CloseAsync();
            }
        }
        catch (IOException)
        {
            // The child has ended, or has closed its input: it has read as much as it wanted.
        }
        finally
        {
            pipe.Dispose();
        }
    }

    private async Coroutine<byte[]> ReadToEndAsync(Connection? pipe, string name)
    {
        if (pipe is null)
        {
            return [];
        }

        var limit = Options.OutputLimit;
        var buffer = ArrayPool<byte>.Shared.Rent(FirstRead);
        var length = 0;
        try
        {
            while (true)
            {
                var count = await pipe.ReadAsync(buffer.AsMemory(length), CancellationToken.None);
                if (count == 0)
                {
                    return buffer.AsSpan(0, length).ToArray();
                }

                length += count;
                if (length > limit)
                {
                    throw new IOException(
                        $"The {this} has written more than {limit} bytes to its standard {name}: see ChildProcessOptions.OutputLimit.");
                }

                if (length == buffer.Length)
                {
                    var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min((long)length * 2, Array.MaxLength));
                    buffer.AsSpan(0, length).CopyTo(larger);
                    ArrayPool<byte>.Shared.Return(buffer);
                    buffer = larger;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}

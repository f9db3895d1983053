using System.Buffers.Binary;

namespace Baton.Soak;

/// <summary>
/// What clients and servers of streams say to each other: a request names a pattern and a length; the server sends back what it is sent, or
/// takes it, or sends it by itself. Both check every byte.
/// </summary>
internal static class Conversation
{
    private const int RequestLength = 9;
    private const int MostBytes = 300_000;
    private const byte Taken = 0x54;

    private enum Kind : byte
    {
        Echo = 1,
        Take,
        Give,
    }

    /// <summary>Answers requests until the client ends.</summary>
    internal static async Coroutine ServeAsync(Connection connection, Random random)
    {
        while (true)
        {
            var request = await connection.Input.ReadSomeAsync(RequestLength);
            if (request.Length == 0)
            {
                return;
            }

            if (request.Length < RequestLength)
            {
                request = [.. request, .. await connection.Input.ReadExactlyAsync(RequestLength - request.Length)];
            }

            var pattern = new Pattern(BinaryPrimitives.ReadUInt32LittleEndian(request.AsSpan(1)));
            var length = BinaryPrimitives.ReadInt32LittleEndian(request.AsSpan(5));
            SoakException.ThrowUnless(length is >= 0 and <= MostBytes, $"A request of {length} bytes was received, which nobody sends.");
            switch ((Kind)request[0])
            {
                case Kind.Echo:
                    await BothAsync(
                        Streams.ReadAsync(connection, pattern, length, random), Streams.WriteAsync(connection, pattern, length, random));
                    break;
                case Kind.Take:
                    await Streams.ReadAsync(connection, pattern, length, random);
                    await connection.WriteAsync(new[] { Taken });
                    break;
                case Kind.Give:
                    await Streams.WriteAsync(connection, pattern, length, random);
                    break;
                default:
                    throw new SoakException($"A request of kind {request[0]} was received, which nobody sends.");
            }
        }
    }

    /// <summary>Makes some requests.</summary>
    internal static async Coroutine AskAsync(Connection connection, SoakWorker worker)
    {
        for (var i = worker.Random.Next(4); i >= 0; i--)
        {
            await AskOnceAsync(connection, worker);
        }
    }

    /// <summary>Ends the client's side in good order: the server then ends its own.</summary>
    internal static async Coroutine EndAsync(Connection connection)
    {
        await connection.CompleteOutputAsync();
        await Streams.ReadEndAsync(connection);
    }

    private static async Coroutine AskOnceAsync(Connection connection, SoakWorker worker)
    {
        var kind = (Kind)worker.Random.Next((int)Kind.Echo, (int)Kind.Give + 1);
        var pattern = worker.NextPattern();
        var length = worker.Length(MostBytes - 1);
        var request = new byte[RequestLength];
        request[0] = (byte)kind;
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(1), pattern.Seed);
        BinaryPrimitives.WriteInt32LittleEndian(request.AsSpan(5), length);
        await connection.WriteAsync(request);

        // Each direction chooses by itself: which of them goes first is left to the kernel.
        var reading = new Random(worker.Random.Next());
        var writing = new Random(worker.Random.Next());
        switch (kind)
        {
            case Kind.Echo:
                await BothAsync(
                    Streams.WriteAsync(connection, pattern, length, writing), Streams.ReadAsync(connection, pattern, length, reading));
                break;
            case Kind.Take:
                await Streams.WriteAsync(connection, pattern, length, writing);
                var answer = await connection.Input.ReadExactlyAsync(1);
                SoakException.ThrowUnless(answer[0] == Taken, $"The answer is {answer[0]:x2} instead of {Taken:x2}.");
                break;
            default:
                await Streams.ReadAsync(connection, pattern, length, reading);
                break;
        }
    }

    /// <summary>Writes and reads at once. Of several failures the first is thrown.</summary>
    private static async Coroutine BothAsync(Coroutine one, Coroutine other)
    {
        try
        {
            await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(one);
                _ = group.CreateTask(other);
                await Coroutine.Yield();
            });
        }
        catch (AggregateException exception)
        {
            // What was received wrong explains the rest.
            var first = exception.InnerExceptions.FirstOrDefault(inner => inner is SoakException) ?? exception.InnerExceptions[0];
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(first);
        }
    }
}

using Baton;

namespace RedisServer;

// Reading the file at the start, and replacing it by a shorter one.
internal sealed partial class Journal
{
    private const int PieceSize = 256 * 1024;
    private const int ElementsPerCommand = 64;

    /// <summary>
    /// Opens the file and carries out what stands in it. A last command that is not complete, as after a crash, is cut off.
    /// </summary>
    /// <exception cref="DamagedFileException">Something else is wrong with it. It stays as it is.</exception>
    public static async Coroutine<Journal> OpenAsync(RedisService service)
    {
        var path = Path.Combine(service.Settings.Directory, FileName);
        var file = await LoopFile.OpenAsync(path, FileMode.OpenOrCreate, FileAccess.ReadWrite);
        var journal = new Journal(service, file);
        try
        {
            service.Database.IsLoading = true;
            await journal.LoadAsync();
            service.Database.IsLoading = false;
        }
        catch
        {
            await file.CloseAsync();
            throw;
        }

        return journal;
    }

    private async Coroutine LoadAsync()
    {
        var replay = new Replay(_service);
        var piece = new byte[PieceSize];
        var end = 0L;
        while (await _file.ReadAsync(piece, end) is > 0 and var count)
        {
            end += count;
            try
            {
                replay.Take(piece.AsSpan(0, count));
            }
            catch (Exception exception) when (exception is ProtocolException or CommandException)
            {
                throw new DamagedFileException(
                    $"{_file.Path} is damaged at byte {replay.Position:N0}: {exception.Message}. " +
                    "It was left as it is. Restore it from a copy, or cut it off there to lose what follows.");
            }

            await Coroutine.Yield();
        }

        Length = replay.CompleteLength;
        if (Length < end)
        {
            Console.WriteLine($"{_file.Path} ends in the middle of a command: its last {end - Length:N0} bytes are cut off.");
            await _file.SetLengthAsync(Length);
            await _file.FlushAsync();
        }

        Console.WriteLine($"Loaded {replay.Count:N0} commands from {_file.Path}: {_service.Database.Count:N0} keys.");
    }

    /// <summary>
    /// Replaces the file by one that has only what is needed to come to the keys as they are. They are written down at one moment; what
    /// changes while the new file is being written stays gathered, and goes behind it.
    /// </summary>
    private async Coroutine ReplaceAsync()
    {
        _isRewriteRequested = false;
        var draftPath = _file.Path + ".new";
        var pieces = WriteDown();
        LoopFile? draft = null;
        try
        {
            draft = await LoopFile.OpenAsync(draftPath, FileMode.Create, FileAccess.ReadWrite);
            var length = 0L;
            foreach (var piece in pieces)
            {
                await draft.WriteAsync(piece.Written, length);
                length += piece.Length;
            }

            await draft.FlushAsync();
            var path = _file.Path;
            await LoopFile.RenameAsync(draftPath, path);
            await _file.CloseAsync();

            // The one object that knows the file by its name.
            await draft.CloseAsync();
            draft = null;
            _file = await LoopFile.OpenAsync(path, FileMode.Open, FileAccess.ReadWrite);
            Console.WriteLine($"{path} was rewritten: {Length:N0} bytes became {length:N0}.");
            Length = length;
        }
        catch (IOException exception) when (draft is not null || !_file.IsClosed)
        {
            // The old file is as good as before.
            Console.Error.WriteLine($"The append-only file could not be rewritten: {exception.Message}");
        }
        finally
        {
            if (draft is not null)
            {
                await draft.CloseAsync();
            }
        }
    }

    private List<RespWriter> WriteDown()
    {
        var pieces = new List<RespWriter> { new() };
        foreach (var entry in _service.Database.Entries)
        {
            if (pieces[^1].Length > PieceSize)
            {
                pieces.Add(new RespWriter());
            }

            WriteDown(pieces[^1], entry);
        }

        return pieces;
    }

    private static void WriteDown(RespWriter piece, Entry entry)
    {
        switch (entry.Value)
        {
            case byte[] text:
                piece.Array(3);
                piece.Bulk("SET"u8);
                piece.Bulk(entry.Key);
                piece.Bulk(text);
                break;
            case ListValue list:
                WriteDown(piece, "RPUSH"u8, entry.Key, Enumerable.Range(0, list.Count).Select(index => list[index]), 1);
                break;
            case HashValue hash:
                WriteDown(piece, "HSET"u8, entry.Key, hash.SelectMany(pair => new[] { pair.Key, pair.Value }), 2);
                break;
            case SetValue set:
                WriteDown(piece, "SADD"u8, entry.Key, set, 1);
                break;
            case SortedValue sorted:
                WriteDown(piece, "ZADD"u8, entry.Key, Enumerable.Range(0, sorted.Count).SelectMany(rank =>
                    new[] { System.Text.Encoding.ASCII.GetBytes(Numbers.Format(sorted[rank].Score)), sorted[rank].Member }), 2);
                break;
        }

        if (entry.ExpiresAt != 0)
        {
            piece.Array(3);
            piece.Bulk("PEXPIREAT"u8);
            piece.Bulk(entry.Key);
            piece.Bulk(entry.ExpiresAt);
        }
    }

    private static void WriteDown(RespWriter piece, ReadOnlySpan<byte> name, byte[] key, IEnumerable<byte[]> elements, int width)
    {
        foreach (var chunk in elements.Chunk(ElementsPerCommand * width))
        {
            piece.Array(2 + chunk.Length);
            piece.Bulk(name);
            piece.Bulk(key);
            foreach (var element in chunk)
            {
                piece.Bulk(element);
            }
        }
    }
}

using System.Text;
using Baton;

namespace DocsSnippets;

public static class Files
{
    #region write-and-read
    public static void WriteAndRead() => EventLoop.Run(async Coroutine () =>
    {
        var path = Path.GetTempFileName();
        await using (var file = await LoopFile.OpenAsync(path, FileMode.Create, FileAccess.ReadWrite))
        {
            await file.WriteAsync("one "u8.ToArray()); // at the position, which moves
            await file.WriteAsync("two"u8.ToArray());
            var buffer = new byte[3];
            var count = await file.ReadAsync(buffer, offset: 4); // anywhere: the position stays
            Console.WriteLine($"{Encoding.UTF8.GetString(buffer, 0, count)}, {file.Position} bytes so far");
        }

        var status = await LoopFile.StatAsync(path);
        Console.WriteLine($"{status.Kind}, {status.Length} bytes");
        Console.WriteLine(await LoopFile.DeleteAsync(path));
    });
    #endregion

    #region send
    public static void Send() => EventLoop.Run(async Coroutine () =>
    {
        var path = Path.GetTempFileName();
        await LoopFile.WriteAllBytesAsync(path, new byte[1_000_000]);
        await using (var server = await Server.StartAsync("127.0.0.1", 0, SendTo))
        {
            await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
            Console.WriteLine(await connection.Input.ReadLineAsync());
            Console.WriteLine((await connection.Input.ReadToEndAsync()).Length);
        }

        await LoopFile.DeleteAsync(path);

        async Coroutine SendTo(Connection connection)
        {
            await using var file = await LoopFile.OpenAsync(path);
            var length = (await file.StatAsync()).Length;
            await connection.WriteAsync(Encoding.ASCII.GetBytes($"{length} bytes follow\n"));
            await connection.SendFileAsync(file, count: length);
        }
    });
    #endregion

    #region replace
    /// <summary>Writes a file so that whoever reads it finds the old content or the new, after a loss of power too.</summary>
    public static async Coroutine ReplaceAsync(string path, ReadOnlyMemory<byte> content)
    {
        var draft = path + ".new";
        await using (var file = await LoopFile.OpenAsync(draft, FileMode.Create, FileAccess.Write))
        {
            await file.WriteAsync(content);
            await file.FlushAsync();
        }

        await LoopFile.RenameAsync(draft, path);
    }
    #endregion
}

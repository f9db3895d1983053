using System.Text;
using Baton;

namespace DocsSnippets;

public static class Pipes
{
    #region pipe
    public static void Pipe() => EventLoop.Run(async Coroutine () =>
    {
        var (reader, writer) = Connection.CreatePipe();
        await writer.WriteAsync("through a pipe\n"u8.ToArray());
        await writer.CompleteOutputAsync();
        Console.WriteLine(await reader.Input.ReadLineAsync());
        Console.WriteLine($"the end: {await reader.Input.ReadLineAsync() is null}");
        await reader.CloseAsync();
    });
    #endregion

    #region filter
    public static async Coroutine Filter()
    {
        await using var input = Connection.OpenStandardInput();
        await using var output = Connection.OpenStandardOutput();
        while (await input.Input.ReadLineAsync() is { } line)
        {
            await output.WriteAsync(Encoding.UTF8.GetBytes($"{line.ToUpperInvariant()}\n"));
        }
    }
    #endregion

    #region terminal
    public static void TerminalOfAChild() => EventLoop.Run(async Coroutine () =>
    {
        await using var terminal = PseudoTerminal.Open(columns: 100, rows: 30);
        var slave = terminal.OpenSlave();
        var standard = StandardStream.FromHandle(slave);
        await using var child = ChildProcess.Start(
            "stty",
            ["size"],
            new ChildProcessOptions { StandardInput = standard, StandardOutput = standard, StandardError = standard });

        // The end comes when everybody has closed it.
        slave.Dispose();
        Console.WriteLine(await terminal.Connection.Input.ReadLineAsync());
        await child.WaitForExitAsync();
    });
    #endregion

    #region watch
    public static void Watch() => EventLoop.Run(async Coroutine () =>
    {
        var (reader, writer) = LoopPipe.CreateHandles();
        using var stream = new FileStream(writer, FileAccess.Write, bufferSize: 0);
        using var other = new FileStream(reader, FileAccess.Read, bufferSize: 0);
        var loop = EventLoop.Current;
        var told = loop.CreateFuture();
        loop.AddReader(reader, () =>
        {
            Console.WriteLine($"read {other.ReadByte()}");
            loop.RemoveReader(reader);
            told.TrySetResult();
        });
        stream.WriteByte(42);
        await told;
        stream.WriteByte(43);
        await loop.WaitReadableAsync(reader);
        Console.WriteLine($"read {other.ReadByte()}");
    });
    #endregion
}

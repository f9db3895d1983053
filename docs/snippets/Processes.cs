using System.Text;
using Baton;

namespace DocsSnippets;

public static class Processes
{
    #region run
    public static void Run() => EventLoop.Run(async Coroutine () =>
    {
        var result = await ChildProcess.RunAsync("sort", [], "b\na\n"u8.ToArray());
        Console.Write(result.OutputText);
        result = await ChildProcess.RunAsync("sh", "-c", "echo not today >&2; exit 3");
        Console.WriteLine($"{result.ExitCode}: {result.ErrorText.Trim()}");
        try
        {
            result.EnsureSuccess();
        }
        catch (ChildProcessException failure)
        {
            Console.WriteLine(failure.Message);
        }
    });
    #endregion

    #region talk
    public static void Talk() => EventLoop.Run(async Coroutine () =>
    {
        await using var adder = ChildProcess.Start("sh", ["-c", "while read a b; do echo $((a + b)); done"], new ChildProcessOptions
        {
            StandardInput = StandardStream.Pipe,
            StandardOutput = StandardStream.Pipe,
        });
        foreach (var question in (string[])["1 2", "40 2"])
        {
            await adder.StandardInput!.WriteAsync(Encoding.ASCII.GetBytes(question + "\n"));
            Console.WriteLine(await adder.StandardOutput!.Input.ReadLineAsync());
        }

        await adder.StandardInput!.CloseAsync(); // the end of its input
        Console.WriteLine(await adder.WaitForExitAsync());
    });
    #endregion

    #region limit
    public static void Limit() => EventLoop.Run(async Coroutine () =>
    {
        try
        {
            await Coroutine.WaitFor(ChildProcess.RunAsync("sleep", "100"), TimeSpan.FromMilliseconds(100));
        }
        catch (TimeoutException)
        {
            Console.WriteLine("killed, and waited for");
        }
    });
    #endregion

    #region stop
    private static async Coroutine Serve(string program)
    {
        var options = new ChildProcessOptions
        {
            NewProcessGroup = true, // a terminal's Ctrl-C does not reach it
            KillEntireGroup = true, // what it has started ends with it
            GracePeriod = TimeSpan.FromSeconds(5), // SIGTERM first; SIGKILL for who is not done by then
        };
        await using var child = ChildProcess.Start(program, [], options);
        Console.WriteLine($"{child} {await child.WaitForExitAsync()}");
    }
    #endregion

    #region join
    public static void Join() => EventLoop.Run(async Coroutine () =>
    {
        var (reader, writer) = LoopPipe.CreateHandles();
        var toPipe = new ChildProcessOptions { StandardOutput = StandardStream.FromHandle(writer) };
        var fromPipe = new ChildProcessOptions { StandardInput = StandardStream.FromHandle(reader), StandardOutput = StandardStream.Pipe };
        await using var seq = ChildProcess.Start("seq", ["1000"], toPipe);
        await using var wc = ChildProcess.Start("wc", ["-l"], fromPipe);
        reader.Dispose(); // the children have their own: as long as we had ours, wc would wait for the end
        writer.Dispose();
        Console.WriteLine((await wc.CommunicateAsync()).OutputText.Trim());
    });
    #endregion

    #region environment
    private static ChildProcess Build(string folder) => ChildProcess.Start("make", ["-j2"], new ChildProcessOptions
    {
        WorkingDirectory = folder,
        Environment = new Dictionary<string, string?> { ["LC_ALL"] = "C", ["MAKEFLAGS"] = null }, // set one, take one away
        StandardInput = StandardStream.Null,
        StandardError = StandardStream.Output, // joins the output
    });
    #endregion

    #region protocol
    public static void Transport() => EventLoop.Run(async Coroutine () =>
    {
        var over = EventLoop.Current.CreateFuture();
        await EventLoop.Current.SubprocessShellAsync(() => new Printer(over), "echo hello; exit 3");
        await over;
    });

    private sealed class Printer(Future over) : SubprocessProtocol
    {
        private ISubprocessTransport _transport = null!;

        public override void ConnectionMade(ISubprocessTransport transport) => _transport = transport;

        public override void PipeDataReceived(int descriptor, ReadOnlySpan<byte> data) => Console.Write(Encoding.UTF8.GetString(data));

        public override void ConnectionLost(Exception? exception)
        {
            Console.WriteLine($"exited with {_transport.ExitCode}");
            over.SetResult();
        }
    }
    #endregion
}

using System.Runtime.InteropServices;
using Baton;

namespace DocsSnippets;

public static class Signals
{
    #region handler
    internal static async Coroutine Serve()
    {
        var loop = EventLoop.Current;
        loop.AddSignalHandler(PosixSignal.SIGHUP, () => loop.CreateTask(ReloadSettings(), "reload"));
        loop.AddSignalHandler(LoopSignals.User1, () => Console.WriteLine(loop.FormatTasks()));
        await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
    }
    #endregion

    #region wait
    internal static async Coroutine RunUntilAsked(Server server)
    {
        var signal = await EventLoop.Current.WaitForSignalAsync(PosixSignal.SIGTERM, PosixSignal.SIGQUIT);
        Console.WriteLine($"{signal}: no new connections");
        await server.ShutdownAsync(drain: signal == PosixSignal.SIGTERM ? TimeSpan.FromSeconds(30) : TimeSpan.Zero);
    }
    #endregion

    public static void Messages() => EventLoop.Run(async () =>
    {
        await Coroutine.Yield();
        var loop = EventLoop.Current;
        ErrorMessages.Print(() => loop.AddSignalHandler((PosixSignal)9, () => { }));
        ErrorMessages.Print(() => loop.AddSignalHandler((PosixSignal)11, () => { }));
    });

    private static async Coroutine ReloadSettings()
    {
        await Coroutine.Yield();
        Console.WriteLine("reloaded");
    }
}

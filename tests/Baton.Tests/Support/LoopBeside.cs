namespace Baton.Tests;

/// <summary>Runs a test beside a loop, in virtual time, on another thread.</summary>
public static class LoopBeside
{
    public static void Run(Action<EventLoop> body) => LoopTest.OnThread(() =>
    {
        EventLoop? loop = null;
        using var ready = new ManualResetEvent(false);
        using var thread = LoopTest.StartThread(() => LoopTest.On(test =>
        {
            loop = test.Loop;
            loop.CallSoon(() => ready.Set());
            loop.RunForever();
        }));
        LoopTest.Await(ready);
        try
        {
            body(loop!);
        }
        finally
        {
            loop!.CallSoonThreadSafe(loop.Stop);
        }
    });
}

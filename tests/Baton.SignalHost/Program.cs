using Baton;

// The program to which the tests of EventLoop.Run send signals. It says on its output how far it is.
if (args is not [var mode])
{
    Console.Error.WriteLine("Usage: Baton.SignalHost end|go-on|take-back|block|foreign|clean-up");
    return 2;
}

try
{
    var result = EventLoop.Run(() => Main(mode));
    Console.WriteLine("returned");
    return result;
}
catch (InterruptedException exception)
{
    Console.WriteLine($"interrupted by {exception.Signal}");
    return exception.ExitCode;
}
catch (CancelledException)
{
    Console.WriteLine("cancelled");
    return 1;
}

static async Coroutine<int> Main(string mode)
{
    try
    {
        Console.WriteLine("ready");
        switch (mode)
        {
            case "block":
                System.Threading.Thread.Sleep(System.Threading.Timeout.Infinite);
                break;
            case "foreign":
                await Task.Delay(System.Threading.Timeout.Infinite, LoopTask.Current!.CancellationToken);
                break;
            case "clean-up":
                _ = Coroutine.Start(CleanUp());
                break;
        }

        await Coroutine.Sleep(System.Threading.Timeout.InfiniteTimeSpan);
    }
    catch (CancelledException) when (mode == "go-on")
    {
        Console.WriteLine("went on");
        await Coroutine.Sleep(System.Threading.Timeout.InfiniteTimeSpan);
    }
    catch (CancelledException) when (mode == "take-back")
    {
        LoopTask.Current!.Uncancel();
        return 5;
    }
    finally
    {
        Console.WriteLine("finally");
    }

    return 0;
}

static async Coroutine CleanUp()
{
    try
    {
        await Coroutine.Sleep(System.Threading.Timeout.InfiniteTimeSpan);
    }
    finally
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        Console.WriteLine("cleaned up");
    }
}

using Baton;

namespace DocsSnippets;

public static class GettingStarted
{
    public static void Hello()
    {
        #region hello
        EventLoop.Run(async Coroutine () =>
        {
            Console.WriteLine("Hello ...");
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(50));
            Console.WriteLine("... world");
        });
        #endregion
    }

    #region sum
    private static async Coroutine<int> AddLater(int a, int b)
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(10));
        return a + b;
    }
    #endregion

    public static void Result()
    {
        #region result
        var sum = EventLoop.Run(() => AddLater(2, 3));
        Console.WriteLine(sum);
        #endregion
    }

    #region turns
    public static void Turns() => EventLoop.Run(async Coroutine () =>
    {
        var tea = Coroutine.Start(Count("tea", 3));
        var toast = Coroutine.Start(Count("toast", 2));
        Console.WriteLine("both are on");
        await tea;
        await toast;
    });

    private static async Coroutine Count(string what, int steps)
    {
        for (var step = 1; step <= steps; step++)
        {
            Console.WriteLine($"{what} {step}/{steps}");
            await Coroutine.Yield();
        }
    }
    #endregion

    public static void Leftovers()
    {
        #region leftovers
        EventLoop.Run(async Coroutine () =>
        {
            _ = Coroutine.Start(Background());
            await Coroutine.Yield();
            Console.WriteLine("main ends");
        });

        static async Coroutine Background()
        {
            try
            {
                await Coroutine.Sleep(TimeSpan.FromHours(1));
            }
            finally
            {
                Console.WriteLine("background cleans up");
            }
        }
        #endregion
    }

    #region signals
    internal static int Signals()
    {
        try
        {
            EventLoop.Run(ServeUntilInterrupted);
            return 0;
        }
        catch (InterruptedException interrupted)
        {
            return interrupted.ExitCode; // 130 after Ctrl-C, 143 after SIGTERM
        }
    }

    private static async Coroutine ServeUntilInterrupted()
    {
        try
        {
            await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
        }
        finally
        {
            Console.WriteLine("cleaning up");
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(100)); // cleaning up may take time, and await
        }
    }
    #endregion

    public static void Messages()
    {
        ErrorMessages.Print(() => _ = EventLoop.Current);
        ErrorMessages.Print(() => EventLoop.Run(async Coroutine () => EventLoop.Run(async Coroutine () => await Coroutine.Yield())));
        ErrorMessages.Print(() => EventLoop.Run(async Coroutine () => EventLoop.Current.RunUntilComplete(AddLater(1, 2))));
        ErrorMessages.Print(() => EventLoop.Run(async Coroutine () => AddLater(1, 2).GetAwaiter().GetResult()));
        ErrorMessages.Print(() =>
        {
            var loop = new EventLoop();
            loop.Dispose();
            loop.RunForever();
        });
        ErrorMessages.Print(() => EventLoop.Run(async Coroutine () => EventLoop.Current.Dispose()));
        ErrorMessages.Print(() => Task.Run(async () => await AddLater(1, 2)).GetAwaiter().GetResult());
    }
}

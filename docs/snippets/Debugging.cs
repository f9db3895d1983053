using System.Net;
using Baton;
using Microsoft.Extensions.Logging;

namespace DocsSnippets;

public static class Debugging
{
    #region tree
    public static void Tree() => EventLoop.Run(async Coroutine () =>
    {
        var shop = Coroutine.Start(Shop(), "shop");
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        Console.WriteLine(EventLoop.Current.FormatTaskTree());
        shop.Cancel();
    });

    private static async Coroutine Shop()
    {
        var stock = Coroutine.Start(Stock(), "stock");
        await Order(stock);
    }

    private static async Coroutine Order(LoopTask stock)
    {
        await stock;
    }

    private static async Coroutine Stock()
    {
        await Coroutine.Sleep(TimeSpan.FromHours(1));
    }
    #endregion

    #region stack
    public static void Stack() => EventLoop.Run(async Coroutine () =>
    {
        var task = Coroutine.Start(Mixed(), "mixed");
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        var stack = task.GetAwaitStack();
        Console.WriteLine(stack.Frames[0].Method);
        Console.WriteLine(stack);
        task.Cancel();
    });

    private static async Coroutine Mixed()
    {
        await Plain();
    }

    private static async Task Plain() => await Stock();
    #endregion

    #region call-graph
    public static void Graph() => EventLoop.Run(async Coroutine () =>
    {
        await Coroutine.Start(Outer(), "outer");
    });

    private static async Coroutine Outer()
    {
        await Coroutine.Start(Inner(), "inner");
    }

    private static async Coroutine Inner()
    {
        await Coroutine.Yield();
        CallGraph.Print(); // of the current task
    }
    #endregion

    public static void Slow() => Run(
        #region slow
        async Coroutine () =>
        {
            await Coroutine.Start(Compute(), "report");
        },
        #endregion
        options => options.Clock = new Chronometer());

    private static async Coroutine Compute()
    {
        await Coroutine.Yield();
        Chronometer.Advance(TimeSpan.FromMilliseconds(250)); // stands for work that takes so long
        await Coroutine.Yield();
    }

    public static void Blocking() => Run(
        #region blocking
        async Coroutine () =>
        {
            var answer = Ask();
            Console.WriteLine(answer.Result); // would wait for ever: the answer needs this thread
            await Coroutine.Yield();
        },
        #endregion
        options => options.BlockingWaits = BlockingWaits.Throw);

    private static async Task<int> Ask()
    {
        await Coroutine.Yield();
        return 42;
    }

    public static void NeverAwaited() => Run(
        #region never-awaited
        async Coroutine () =>
        {
            _ = Stock(); // nobody awaits it
            await Coroutine.Yield();
        });
        #endregion

    public static void Unclosed() => Run(
        #region unclosed
        async Coroutine () =>
        {
            await Server.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), Serve);
            EventLoop.Current.Stop(); // without having closed the server
            await Coroutine.Sleep(TimeSpan.FromHours(1));
        },
        #endregion
        stop: true);

    public static void Failures()
    {
        #region failures
        var options = new EventLoopOptions
        {
            Debug = true,
            ExceptionHandler = static (loop, context) =>
            {
                Console.WriteLine(context.Message);
                Console.WriteLine($"{context.Exception!.Message}, task: {context.Task?.Name}");
                Console.WriteLine($"made at {context.SourceTraceback!.Innermost}");
            },
        };
        EventLoop.Run(static async Coroutine () =>
        {
            _ = Coroutine.Start(Coroutine.FromException(new IOException("no disk")), "lost");
            await Coroutine.Yield();
        }, options);
        #endregion
    }

    #region logging
    internal static void Logged(ILoggerFactory loggerFactory, Func<Coroutine> main) =>
        EventLoop.Run(main, new EventLoopOptions { LoggerFactory = loggerFactory, Name = "web" });
    #endregion

    #region resource
    internal sealed class Lease : IDisposable
    {
        private readonly EventLoop _loop = EventLoop.Current;
        private bool _isOpen = true;

        internal Lease() => _loop.TrackResource(this, static lease => ((Lease)lease)._isOpen);

        public void Dispose()
        {
            _isOpen = false;
            _loop.UntrackResource(this);
        }
    }
    #endregion

    private static async Coroutine Serve(Connection connection) => await Coroutine.Sleep(TimeSpan.FromHours(1));

    private static void Run(Func<Coroutine> main, Action<EventLoopOptions>? configure = null, bool stop = false)
    {
        var options = new EventLoopOptions
        {
            Debug = true,
            SlowCallbackDuration = TimeSpan.FromMilliseconds(200),
            WarningHandler = static (_, warning) =>
            {
                // What the machine was busy with is not part of the lesson.
                if (warning.Kind != LoopWarningKind.SlowCallback || warning.Duration == TimeSpan.FromMilliseconds(250))
                {
                    Console.WriteLine(ErrorMessages.Stable(warning.ToString()));
                }
            },
            ExceptionHandler = static (_, _) => { },
        };
        configure?.Invoke(options);
        try
        {
            if (!stop)
            {
                EventLoop.Run(main, options);
                return;
            }

            using var loop = new EventLoop(options);
            loop.CallSoon(() => loop.CreateTask(main()));
            loop.RunForever();
        }
        catch (InvalidOperationException exception)
        {
            Console.WriteLine(exception.Message);
        }
    }

    /// <summary>A clock that a snippet moves, so that it prints the same each time.</summary>
    private sealed class Chronometer : LoopClock
    {
        private static long s_now;

        public override long Now => s_now;

        internal static void Advance(TimeSpan time) => s_now += time.Ticks * 100;
    }
}

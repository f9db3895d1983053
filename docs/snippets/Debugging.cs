using System.Net;
using System.Net.Sockets;
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

    public static void Slow() => Run(SlowMain, options => options.Clock = new Chronometer());

    #region slow
    private static async Coroutine SlowMain()
    {
        await Coroutine.Start(Compute(), "report");
    }

    private static async Coroutine Compute()
    {
        await Coroutine.Yield();
        Chronometer.Advance(TimeSpan.FromMilliseconds(250)); // stands for work that takes so long
        await Coroutine.Yield();
    }
    #endregion

    public static void Blocking() => Run(BlockingMain, options => options.BlockingWaits = BlockingWaits.Throw);

    #region blocking
    private static async Coroutine BlockingMain()
    {
        var answer = Ask();
        Console.WriteLine(answer.Result); // would wait for ever: the answer needs this thread
        await Coroutine.Yield();
    }

    private static async Task<int> Ask()
    {
        await Coroutine.Yield();
        return 42;
    }
    #endregion

    public static void NeverAwaited() => Run(ForgetfulMain);

    #region never-awaited
    private static async Coroutine ForgetfulMain()
    {
        _ = Stock(); // nobody awaits it
        await Coroutine.Yield();
    }
    #endregion

    public static void Unclosed() => Run(UnclosedMain);

    #region unclosed
    private static async Coroutine UnclosedMain()
    {
        var socket = LoopSocket.Create(AddressFamily.InterNetwork);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // and then nobody disposes of it
        await Coroutine.Yield();
    }
    #endregion

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

    private static void Run(Func<Coroutine> main, Action<EventLoopOptions>? configure = null)
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
        };
        configure?.Invoke(options);
        try
        {
            EventLoop.Run(main, options);
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

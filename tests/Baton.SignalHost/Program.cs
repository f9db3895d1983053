using System.Runtime.InteropServices;
using Baton;
using Microsoft.Extensions.Logging;

// The program to which the tests of EventLoop.Run and of signal handlers send signals. It says on its output how far it is.
if (args is not [var mode])
{
    Console.Error.WriteLine(
        "Usage: Baton.SignalHost end|go-on|take-back|block|foreign|clean-up|spin|future|cancelled|thread|log|driver|filter|handler|unhandled|closed");
    return 2;
}

if (mode == "closed")
{
    // The handlers end with the loop, and the signal gets its default action back.
    EventLoop.Run(async () =>
    {
        EventLoop.Current.AddSignalHandler(LoopSignals.User1, () => { });
        await Coroutine.Yield();
    });
    Console.WriteLine("closed");
    System.Threading.Thread.Sleep(System.Threading.Timeout.Infinite);
}

if (mode == "filter")
{
    // Prints the lines of its standard input in capitals, and how many there were.
    return EventLoop.Run(Filter);
}

if (mode != "thread")
{
    return Run(mode);
}

var result = 0;
var thread = new System.Threading.Thread(() => result = Run(mode));
thread.Start();
thread.Join();
return result;

static int Run(string mode)
{
    try
    {
        var options = new EventLoopOptions { LoggerFactory = mode == "log" ? new ConsoleLog() : null, HandleSignals = mode != "unhandled" };
        var result = EventLoop.Run(() => Main(mode), options);
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
}

static async Coroutine<int> Filter()
{
    await using var input = Connection.OpenStandardInput();
    await using var output = Connection.OpenStandardOutput();
    await using var errors = Connection.OpenStandardError();
    var count = 0;
    while (await input.Input.ReadLineAsync() is { } line)
    {
        count++;
        await output.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"{line.ToUpperInvariant()}\n"));
    }

    await errors.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"{count} lines\n"));
    return 0;
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
            case "driver":
                Console.WriteLine(EventLoop.Current.Driver.Name);
                return 0;
            case "foreign":
                await Task.Delay(System.Threading.Timeout.Infinite, LoopTask.Current!.CancellationToken);
                break;
            case "clean-up":
                _ = Coroutine.Start(CleanUp());
                break;
            case "spin":
                while (true)
                {
                    await Coroutine.Yield();
                }

            case "future":
                await AwaitFuture();
                break;
            case "handler":
            case "unhandled":
                await HandleThree();
                Console.WriteLine("removed");
                break;
            case "cancelled":
                _ = Coroutine.Start(Cancel(LoopTask.Current!));
                break;
        }

        await Coroutine.Sleep(System.Threading.Timeout.InfiniteTimeSpan);
    }
    catch (CancelledException) when (mode is "go-on" or "cancelled")
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

// Takes three signals of each kind itself, and then leaves them to whoever had them before.
static async Coroutine HandleThree()
{
    var loop = EventLoop.Current;
    foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM })
    {
        var handled = loop.CreateFuture();
        var count = 0;
        loop.AddSignalHandler(signal, () =>
        {
            Console.WriteLine($"handled {signal} {++count}");
            if (count == 3)
            {
                handled.SetResult();
            }
        });
        Console.WriteLine($"waiting for {signal}");
        await handled;
        loop.RemoveSignalHandler(signal);
    }
}

static async Coroutine AwaitFuture()
{
    var future = EventLoop.Current.CreateFuture();
    try
    {
        await future;
    }
    finally
    {
        Console.WriteLine(future.IsCancelled ? "future cancelled" : "future left");
    }
}

static async Coroutine Cancel(LoopTask task)
{
    await Coroutine.Yield();
    task.Cancel();
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

/// <summary>Writes what is logged to the standard output, except for what is there for debugging.</summary>
internal sealed class ConsoleLog : ILoggerFactory, ILogger
{
    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
        {
            Console.WriteLine($"{logLevel} {eventId.Id}: {formatter(state, exception)}");
        }
    }

    public void Dispose()
    {
    }
}

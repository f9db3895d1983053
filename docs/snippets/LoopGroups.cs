using System.Net.Sockets;
using System.Text;
using Baton;
using Baton.Drivers;

namespace DocsSnippets;

public static class LoopGroups
{
    #region start
    public static void Start()
    {
        using var group = EventLoopGroup.Start(new EventLoopGroupOptions { Name = "worker", Count = 2 });
        var sums = group.RunOnAllAsync(async Coroutine<int> (loop) => // from any thread: a task of the BCL
        {
            await Coroutine.Yield();
            return loop.Name.Length;
        }).GetAwaiter().GetResult(); // an async method would await
        Console.WriteLine($"{string.Join(", ", group.Loops.Select(loop => loop.Name))}: {sums.Sum()}");
    }
    #endregion

    #region invoke
    public static void Invoke() => EventLoop.Run(async Coroutine () =>
    {
        await using var group = EventLoopGroup.Start(new EventLoopGroupOptions { Name = "worker", Count = 2 });
        var square = await group.InvokeAsync(group[1], loop => Square(7)); // on that loop; the result is had on this one
        Console.WriteLine($"{square} on '{EventLoop.Current.Name}'");
        var squares = await group.InvokeOnAllAsync(loop => Square(loop.Name[^1] - '0'));
        Console.WriteLine(string.Join(", ", squares));
    });

    private static async Coroutine<int> Square(int number)
    {
        await Coroutine.Yield();
        return number * number;
    }
    #endregion

    #region configure
    public static EventLoopGroup Configure() => EventLoopGroup.Start(new EventLoopGroupOptions
    {
        PinThreads = true,
        ExceptionHandler = (loop, report) => Console.Error.WriteLine($"{loop.Name}: {report.Message}"), // by several loops at once
        ConfigureLoop = (index, options) =>
        {
            options.Driver = new EpollDriver(); // a new one for each
            options.BusyPoll = index == 0 ? TimeSpan.FromMicroseconds(50) : TimeSpan.Zero;
        },
    });
    #endregion

    #region serve
    public static void Serve() => EventLoop.Run(async Coroutine () =>
    {
        await using var group = EventLoopGroup.Start(new EventLoopGroupOptions { Name = "server", Count = 2 });
        var servers = await group.StartServerAsync("127.0.0.1", 0, Greet, distribution: ConnectionDistribution.RoundRobin);
        for (var i = 0; i < 4; i++)
        {
            await using var client = await Connection.ConnectAsync(servers.EndPoints[0]);
            Console.WriteLine(Encoding.ASCII.GetString(await client.Input.ReadToEndAsync()));
        }

        await servers.ShutdownAsync(TimeSpan.FromSeconds(10));
        var statistics = await servers.GetStatisticsAsync();
        Console.WriteLine(string.Join(", ", statistics.Select(entry => $"{entry.Loop.Name} got {entry.AcceptedCount}")));
    });

    private static async Coroutine Greet(Connection connection) => // runs on the connection's loop
        await connection.Output.WriteAsync(Encoding.ASCII.GetBytes($"hello from {EventLoop.Current.Name}"));
    #endregion

    #region end
    public static async Task End(EventLoopGroup group)
    {
        try
        {
            // Servers stop accepting; calls and handlers may finish; what is left is cancelled.
            await group.ShutdownAsync(grace: TimeSpan.FromSeconds(10), timeout: TimeSpan.FromSeconds(5));
        }
        catch (AggregateException exception)
        {
            foreach (var failure in exception.InnerExceptions)
            {
                Console.Error.WriteLine(failure.Message); // of a loop that failed, or does not end
            }
        }
    }
    #endregion

    #region channel
    public static void Channel() => EventLoop.Run(async Coroutine () =>
    {
        await using var group = EventLoopGroup.Start(new EventLoopGroupOptions { Name = "worker", Count = 1 });
        var lines = new CrossLoopChannel<string>(capacity: 2);
        var producer = Coroutine.Start(group.InvokeAsync(async Coroutine (loop) =>
        {
            for (var i = 1; i <= 5; i++)
            {
                await lines.WriteAsync($"{loop.Name} {i}"); // waits while two are under way
            }

            lines.TryComplete();
        }));
        await foreach (var line in lines)
        {
            Console.WriteLine(line);
        }

        await producer;
    });
    #endregion

    public static void Messages() => EventLoop.Run(async Coroutine () =>
    {
        var group = EventLoopGroup.Start(new EventLoopGroupOptions { Name = "worker", Count = 1 });
        await ErrorMessages.PrintAsync(async Coroutine () => await group.InvokeAsync(async Coroutine (_) => group.Dispose()));
        await group.DisposeAsync();
        await ErrorMessages.PrintAsync(async Coroutine () => await group.InvokeAsync(_ => Square(1)));
        await ErrorMessages.PrintAsync(async Coroutine () => await group.InvokeAsync(group[0], _ => Square(1)));
        await ErrorMessages.PrintAsync(async Coroutine () => await group.StartServerAsync(
            new UnixDomainSocketEndPoint("/tmp/s"), Greet, distribution: ConnectionDistribution.Kernel));
        var channel = new CrossLoopChannel<int>(1);
        channel.TryComplete();
        ErrorMessages.Print(() => channel.TryWrite(1));
        ErrorMessages.Print(() => channel.TryRead(out _));
    });
}

using Baton;

namespace DocsSnippets;

public static class StructuredConcurrency
{
    #region group
    public static void Group() => EventLoop.Run(async Coroutine () =>
    {
        await TaskGroup.Run(async Coroutine (group) =>
        {
            var sum = group.CreateTask(Add(1, 2), "sum");
            _ = group.CreateTask(Say("in the group"));
            Console.WriteLine($"1 + 2 = {await sum}");
        });
        Console.WriteLine("all have ended");
    });

    private static async Coroutine<int> Add(int left, int right)
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(5));
        return left + right;
    }

    private static async Coroutine Say(string text)
    {
        await Coroutine.Yield();
        Console.WriteLine(text);
    }
    #endregion

    #region failure
    public static void Failure() => EventLoop.Run(async Coroutine () =>
    {
        try
        {
            await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(Fail(), "fails");
                _ = group.CreateTask(Wait("the other task"));
                await Wait("the block");
            });
        }
        catch (AggregateException exception)
        {
            Console.WriteLine(string.Join(", ", exception.InnerExceptions.Select(inner => inner.Message)));
        }
    });

    private static async Coroutine Fail()
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(5));
        throw new InvalidOperationException("no luck");
    }

    private static async Coroutine Wait(string who)
    {
        try
        {
            await Coroutine.Sleep(TimeSpan.FromHours(1));
        }
        finally
        {
            Console.WriteLine($"{who} was cancelled");
        }
    }
    #endregion

    #region cancel
    public static void CancelGroup() => EventLoop.Run(async Coroutine () =>
    {
        var first = await TaskGroup.Run(async Coroutine<string> (group) =>
        {
            var result = "none";
            foreach (var delay in new[] { 600, 5, 400 })
            {
                _ = group.CreateTask(Try(delay));
            }

            await Coroutine.Sleep(TimeSpan.FromMilliseconds(200));
            group.Cancel(); // nobody is needed any more
            return result;

            async Coroutine Try(int delay)
            {
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(delay));
                result = $"the one of {delay} ms";
            }
        });
        Console.WriteLine(first);
    });
    #endregion

    #region start
    public static void StartAndWait() => EventLoop.Run(async Coroutine () =>
    {
        await TaskGroup.Run(async Coroutine (group) =>
        {
            var port = await group.StartAsync<int>(status => Serve(status), "server");
            Console.WriteLine($"the server listens: {port > 0}");
            group.Cancel();
        });
    });

    private static async Coroutine Serve(StartStatus<int> status)
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, async Coroutine (connection) => await connection.Input.ReadLineAsync());
        status.Started(((System.Net.IPEndPoint)server.EndPoints[0]).Port);
        await server.ServeForeverAsync();
    }
    #endregion

    #region supervise
    public static void Supervise() => EventLoop.Run(async Coroutine () =>
    {
        var options = new TaskGroupOptions
        {
            Supervise = true,
            TaskFailed = (task, exception) => Console.WriteLine($"{task.Name}: {exception.Message}"),
        };
        await TaskGroup.Run(
            async Coroutine (group) =>
            {
                _ = group.CreateTask(Fail(), "worker 1");
                Console.WriteLine($"worker 2: {await group.CreateTask(Add(20, 22), "worker 2")}");
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(10));
            },
            options);
    });
    #endregion

    #region timeout
    public static void TimeOut() => EventLoop.Run(async Coroutine () =>
    {
        try
        {
            await LoopTimeout.Run(TimeSpan.FromMilliseconds(10), async Coroutine () =>
            {
                await Wait("the slow part");
            });
        }
        catch (TimeoutException)
        {
            Console.WriteLine("too slow");
        }

        var answer = await LoopTimeout.Run(TimeSpan.FromSeconds(10), async Coroutine<int> (timeout) =>
        {
            timeout.Reschedule(TimeSpan.FromSeconds(20)); // progress was made
            return await Add(40, 2);
        });
        Console.WriteLine(answer);
    });
    #endregion

    #region scope
    public static void Scope() => EventLoop.Run(async Coroutine () =>
    {
        var finished = await CancelScope.Run(
            async Coroutine (scope) =>
            {
                try
                {
                    await Coroutine.Sleep(TimeSpan.FromHours(1));
                }
                catch (CancelledException)
                {
                    Console.WriteLine("swallowed"); // in vain
                }

                await Coroutine.Sleep(TimeSpan.FromHours(1)); // throws at once: the scope is still cancelled
                Console.WriteLine("not reached");
            },
            timeout: TimeSpan.FromMilliseconds(10));
        Console.WriteLine($"finished: {finished}");
    });
    #endregion

    #region fallback
    public static void Fallback() => EventLoop.Run(async Coroutine () =>
    {
        var price = await CancelScope.Run(
            async Coroutine<decimal> (scope) =>
            {
                await Coroutine.Sleep(TimeSpan.FromHours(1));
                return 99.5m;
            },
            whenCancelled: 100m,
            timeout: TimeSpan.FromMilliseconds(10));
        Console.WriteLine(price.ToString(System.Globalization.CultureInfo.InvariantCulture));
    });
    #endregion

    #region shield
    public static void Shield() => EventLoop.Run(async Coroutine () =>
    {
        var task = Coroutine.Start(Transfer());
        await Coroutine.Yield();
        task.Cancel();
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(50));
        Console.WriteLine(task.IsCancelled);
    });

    private static async Coroutine Transfer()
    {
        try
        {
            await Coroutine.Sleep(TimeSpan.FromHours(1));
        }
        finally
        {
            // Nothing from outside interrupts this, and after two seconds it ends all the same.
            await CancelScope.Run(async Coroutine (scope) => await RollBack(), timeout: TimeSpan.FromSeconds(2), shield: true);
        }
    }

    private static async Coroutine RollBack()
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(5));
        Console.WriteLine("rolled back");
    }
    #endregion

    #region stuck
    public static void Stuck()
    {
        var options = new EventLoopOptions { ExceptionHandler = (_, context) => Console.WriteLine(context.Message) };
        EventLoop.Run(
            async Coroutine () => await TaskGroup.Run(
                async Coroutine (group) =>
                {
                    _ = group.CreateTask(Stubborn(), "stubborn");
                    await Coroutine.Yield();
                    group.Cancel();
                },
                new TaskGroupOptions { Name = "workers", ReportStuckAfter = TimeSpan.FromMilliseconds(200) }),
            options);
    }

    private static async Coroutine Stubborn()
    {
        try
        {
            await Coroutine.Sleep(TimeSpan.FromHours(1));
        }
        catch (CancelledException)
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(400)); // goes on as if nothing had happened
        }
    }
    #endregion
}

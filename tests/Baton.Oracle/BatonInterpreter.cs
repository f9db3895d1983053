namespace Baton.Oracle;

/// <summary>Runs scenarios on Baton, on a fake clock, and says what happened. The counterpart of <c>python/interpreter.py</c>.</summary>
public sealed partial class BatonInterpreter
{
    /// <summary>How often what is left is cancelled when nothing can happen any more.</summary>
    private const int MaximumRounds = 50;

    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly List<string> _trace = [];
    private readonly EventLoop _loop;
    private readonly SortedDictionary<int, LoopTask<int?>> _tasks = [];
    private readonly Dictionary<int, Action> _handles = [];
    private readonly AsyncLock[] _locks = [new(), new()];
    private readonly AsyncSemaphore[] _semaphores = [new(1), new(2)];
    private readonly AsyncEvent[] _events = [new(), new()];
    private readonly AsyncCondition[] _conditions = [new(), new()];
    private readonly AsyncBarrier[] _barriers = [new(2), new(3)];
    private readonly AsyncQueue<int>[] _queues = [new(1), new(2), new()];
    private readonly Future<int?>[] _futures;
    private readonly long _start;
    private Exception? _failure;

    private BatonInterpreter(EventLoop loop)
    {
        _loop = loop;
        _start = loop.Time;
        _futures = [loop.CreateFuture<int?>(), loop.CreateFuture<int?>(), loop.CreateFuture<int?>()];
    }

    private long Time => (_loop.Time - _start) / (Tick.Ticks * 100);

    /// <summary>Runs a scenario on the calling thread.</summary>
    /// <exception cref="InvalidOperationException">The interpreter, or Baton itself, failed.</exception>
    public static IReadOnlyList<string> Run(Scenario scenario)
    {
        var driver = new FakeDriver();
        using var loop = new EventLoop(new EventLoopOptions
        {
            Driver = driver,
            Debug = false,
            ExceptionHandler = (_, _) => { },
            WarningHandler = (_, _) => { },
        });
        driver.Loop = loop;
        var interpreter = new BatonInterpreter(loop);
        interpreter.RunMain(scenario.Body);
        return interpreter._failure is { } failure
            ? throw new InvalidOperationException($"The scenario fails by what no scenario should meet:\n{scenario}", failure)
            : interpreter._trace;
    }

    private void RunMain(Step[] body)
    {
        Spawn(0, body, new Frame(null, null));
        for (var round = 0; round < MaximumRounds; round++)
        {
            // Ends when there is nothing left to wait for.
            _loop.RunForever();
            var left = _tasks.Values.Where(task => !task.IsDone).ToList();
            if (left.Count == 0)
            {
                return;
            }

            _trace.Add($"{Time} deadlock");
            foreach (var task in left)
            {
                task.Cancel();
            }
        }

        _trace.Add("endless");
    }

    private void Log(Step step, string text) => _trace.Add($"{Time} {step.Id} {text}");

    private LoopTask<int?> Spawn(int number, Step[] body, Frame frame, Func<Coroutine<int?>, LoopTask<int?>>? create = null)
    {
        var coroutine = RunTask(number, body, frame);
        return _tasks[number] = create is null ? _loop.CreateTask(coroutine) : create(coroutine);
    }

    private async Coroutine<int?> RunTask(int number, Step[] body, Frame frame)
    {
        _trace.Add($"{Time} task {number} starts");
        try
        {
            var result = await RunBody(body, frame);
            _trace.Add($"{Time} task {number} ends: {Describe(result)}");
            return result;
        }
        catch (Exception failure)
        {
            _trace.Add($"{Time} task {number} ends: {Describe(failure)}");
            throw;
        }
    }

    private async Coroutine<int?> RunBody(Step[] body, Frame frame)
    {
        foreach (var step in body)
        {
            if (await RunStep(step, frame) is { } result)
            {
                return result;
            }
        }

        return null;
    }

    private async Coroutine<int?> RunStep(Step step, Frame frame)
    {
        Log(step, step.Operation);
        string? text;
        int? result = null;
        try
        {
            if (!TryRunAtOnce(step, frame, out text))
            {
                (text, result) = await RunWaiting(step, frame);
            }
        }
        catch (Exception failure)
        {
            Log(step, Describe(failure));
            throw;
        }

        Log(step, text ?? "ok");
        return result;
    }

    /// <summary>Runs the steps of a callback, which do not wait.</summary>
    private void RunCallback(Step step, Step[] body)
    {
        Log(step, "called");
        foreach (var inner in body)
        {
            try
            {
                if (!TryRunAtOnce(inner, new Frame(null, null), out var text))
                {
                    throw new NotSupportedException($"A callback cannot do '{inner.Operation}'.");
                }

                Log(inner, text ?? "ok");
            }
            catch (Exception failure)
            {
                Log(inner, Describe(failure));
            }
        }
    }

    private static string Describe(int? result) => result?.ToString() ?? "None";

    private string Describe(Exception failure) => failure switch
    {
        CancelledException => "cancelled",
        ScenarioException scenario => $"error {scenario.Number}",
        TimeoutException => "timeout",
        AggregateException group => $"group({string.Join(", ", group.InnerExceptions.Select(Describe))})",
        QueueEmptyException => "empty",
        QueueFullException => "full",
        BrokenBarrierException => "broken",
        InvalidOperationException or ArgumentException => "misuse",
        _ => (_failure ??= failure).Message,
    };

    private string Describe(LoopTask<int?> future) => future switch
    {
        { IsDone: false } => "pending",
        { IsCancelled: true } => "cancelled",
        _ when future.GetException() is { } failure => Describe(failure),
        _ => $"value {Describe(future.GetResult())}",
    };

    /// <summary>What the body that runs belongs to: the innermost group and the innermost timeout around it.</summary>
    private readonly record struct Frame(TaskGroup? Group, LoopTimeout? Timeout);
}

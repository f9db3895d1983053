namespace Baton.Oracle;

public sealed partial class BatonInterpreter
{
    /// <summary>A report on tasks that do not end would be a timer that asyncio does not have.</summary>
    private static readonly TaskGroupOptions GroupOptions = new() { ReportStuckAfter = TimeSpan.Zero };

    /// <summary>Runs a step that does not wait.</summary>
    /// <returns>False where the step is none of those.</returns>
    private bool TryRunAtOnce(Step step, Frame frame, out string? text)
    {
        var numbers = step.Numbers;
        text = null;
        switch (step.Operation)
        {
            case "log":
                break;
            case "cancel":
                text = Find(numbers[0]) is { } cancelled ? cancelled.Cancel().ToString() : "none";
                break;
            case "cancel_self":
                text = LoopTask.Current!.Cancel().ToString();
                break;
            case "uncancel":
                text = LoopTask.Current!.Uncancel().ToString();
                break;
            case "cancelling":
                text = Find(numbers[0])?.CancelRequests.ToString() ?? "none";
                break;
            case "state":
                text = Find(numbers[0]) is { } task ? Describe(task) : "none";
                break;
            case "done_callback":
                text = Find(numbers[0]) is null ? "none" : null;
                Find(numbers[0])?.AddDoneCallback(future => Log(step, "done: " + Describe((LoopTask<int?>)future)));
                break;
            case "set_result":
                _futures[numbers[0]].SetResult(numbers[1]);
                break;
            case "set_error":
                _futures[numbers[0]].SetException(new ScenarioException(numbers[1]));
                break;
            case "cancel_future":
                text = _futures[numbers[0]].Cancel().ToString();
                break;
            case "set_event":
                _events[numbers[0]].Set();
                break;
            case "clear_event":
                _events[numbers[0]].Clear();
                break;
            case "put_now":
                _queues[numbers[0]].PutNoWait(numbers[1]);
                break;
            case "get_now":
                text = _queues[numbers[0]].GetNoWait().ToString();
                break;
            case "item_done":
                _queues[numbers[0]].TaskDone();
                break;
            case "release":
                _semaphores[numbers[0]].Release();
                break;
            case "notify":
                _conditions[numbers[0]].Notify(numbers[1]);
                break;
            case "reset_barrier":
                _barriers[numbers[0]].Reset();
                break;
            case "abort_barrier":
                _barriers[numbers[0]].Abort();
                break;
            case "call_soon":
                _handles[numbers[0]] = _loop.CallSoon(() => RunCallback(step, step.Bodies[0])).Cancel;
                break;
            case "call_later":
                _handles[numbers[0]] = _loop.CallLater(numbers[1] * Tick, () => RunCallback(step, step.Bodies[0])).Cancel;
                break;
            case "cancel_handle":
                text = _handles.ContainsKey(numbers[0]) ? null : "none";
                _handles.GetValueOrDefault(numbers[0])?.Invoke();
                break;
            case "spawn":
                Spawn(numbers[0], step.Bodies[0], new Frame(frame.Group, null));
                break;
            case "spawn_eager":
                Spawn(numbers[0], step.Bodies[0], new Frame(frame.Group, null), coroutine => _loop.CreateTask(coroutine, eager: true));
                break;
            case "spawn_in_group" when frame.Group is { } group:
                Spawn(numbers[0], step.Bodies[0], new Frame(group, null), coroutine => group.CreateTask(coroutine));
                break;
            case "spawn_in_group":
                text = "none";
                break;
            case "reschedule":
                text = frame.Timeout is null ? "none" : null;
                frame.Timeout?.Reschedule(numbers[0] < 0 ? null : numbers[0] * Tick);
                break;
            case "fail":
                throw new ScenarioException(numbers[0]);
            default:
                return false;
        }

        return true;
    }

    private async Coroutine<(string? Text, int? Result)> RunWaiting(Step step, Frame frame)
    {
        var numbers = step.Numbers;
        switch (step.Operation)
        {
            case "return":
                return (null, numbers[0]);
            case "yield":
                await Coroutine.Yield();
                return default;
            case "sleep":
                await Coroutine.Sleep(numbers[0] * Tick);
                return default;
            case "await":
                return Find(numbers[0]) is { } awaited ? (Value(await awaited), null) : ("none", null);
            case "await_future":
                return (Value(await _futures[numbers[0]]), null);
            case "shield":
                return Find(numbers[0]) is { } shielded ? (Value(await Coroutine.Shield(shielded)), null) : ("none", null);
            case "shield_future":
                return (Value(await Coroutine.Shield(_futures[numbers[0]])), null);
            case "wait_for":
                var limitedTask = RunTask(numbers[1], step.Bodies[0], new Frame(frame.Group, null));
                return (Value(await Coroutine.WaitFor(limitedTask, Limit(numbers[0]))), null);
            case "wait_for_task":
                return Find(numbers[1]) is { } limited
                    ? (Value(await Coroutine.WaitFor(limited, Limit(numbers[0]))), null)
                    : ("none", null);
            case "timeout":
                return (null, await RunTimeout(step, frame));
            case "group":
                return (null, await TaskGroup.Run(group => RunBody(step.Bodies[0], frame with { Group = group }), GroupOptions));
            case "gather":
                return ("values " + List(from result in await Coroutine.Gather(Existing(numbers)) select Describe(result)), null);
            case "gather_all":
                return ("outcomes " + List(from outcome in await Coroutine.GatherOutcomes(Existing(numbers)) select Describe(outcome)), null);
            case "gather_bodies":
                var coroutines = step.Bodies.Select((body, i) => RunTask(numbers[0] + i, body, new Frame(frame.Group, null)));
                return ("values " + List(from result in await Coroutine.Gather(coroutines) select Describe(result)), null);
            case "wait":
                return (await Wait(numbers), null);
            case "lock" or "semaphore" or "condition":
                using (await AcquireAsync(step.Operation, numbers[0]))
                {
                    Log(step, "acquired");
                    return (null, await RunBody(step.Bodies[0], frame));
                }

            case "acquire":
                await _semaphores[numbers[0]].AcquireAsync();
                return default;
            case "wait_event":
                await _events[numbers[0]].WaitAsync();
                return default;
            case "wait_condition":
                await _conditions[numbers[0]].WaitAsync();
                return default;
            case "barrier":
                return ((await _barriers[numbers[0]].WaitAsync()).ToString(), null);
            case "put":
                await _queues[numbers[0]].PutAsync(numbers[1]);
                return default;
            case "get":
                return ((await _queues[numbers[0]].GetAsync()).ToString(), null);
            case "join":
                await _queues[numbers[0]].JoinAsync();
                return default;
            case "try_cancelled":
                return (null, await RunTryCancelled(step, frame));
            case "try_error":
                return (null, await RunTryError(step, frame));
            case "try_finally":
                return (null, await RunTryFinally(step, frame));
            default:
                throw new NotSupportedException($"There is no operation '{step.Operation}'.");
        }
    }

    private ValueTask<Releaser> AcquireAsync(string kind, int number) => kind switch
    {
        "lock" => _locks[number].AcquireAsync(),
        "semaphore" => _semaphores[number].AcquireAsync(),
        _ => _conditions[number].AcquireAsync(),
    };

    private async Coroutine<int?> RunTimeout(Step step, Frame frame)
    {
        LoopTimeout? timeout = null;
        try
        {
            return await LoopTimeout.Run(Limit(step.Numbers[0]), inner =>
            {
                timeout = inner;
                return RunBody(step.Bodies[0], frame with { Timeout = inner });
            });
        }
        finally
        {
            Log(step, timeout?.IsExpired == true ? "expired" : "not expired");
        }
    }

    private async Coroutine<string> Wait(int[] numbers)
    {
        var tasks = Existing(numbers.Skip(2));
        if (tasks.Count == 0)
        {
            return "none";
        }

        var (done, _) = await Coroutine.Wait(tasks, Limit(numbers[1]), (ReturnWhen)numbers[0]);
        return "done " + List(numbers.Skip(2).Distinct().Order().Where(number => Find(number) is { } task && done.Contains(task)).Select(number => number.ToString()));
    }

    private async Coroutine<int?> RunTryCancelled(Step step, Frame frame)
    {
        try
        {
            return await RunBody(step.Bodies[0], frame);
        }
        catch (CancelledException)
        {
            Log(step, "caught");
        }

        return await RunBody(step.Bodies[1], frame);
    }

    private async Coroutine<int?> RunTryError(Step step, Frame frame)
    {
        try
        {
            return await RunBody(step.Bodies[0], frame);
        }
        catch (Exception failure) when (failure is not CancelledException)
        {
            Log(step, $"caught {Describe(failure)}");
        }

        return await RunBody(step.Bodies[1], frame);
    }

    private async Coroutine<int?> RunTryFinally(Step step, Frame frame)
    {
        int? result;
        try
        {
            result = await RunBody(step.Bodies[0], frame);
        }
        catch (Exception failure)
        {
            Log(step, $"finally after {Describe(failure)}");
            await RunBody(step.Bodies[1], frame);
            throw;
        }

        Log(step, "finally");
        await RunBody(step.Bodies[1], frame);
        return result;
    }

    private static TimeSpan Limit(int ticks) => ticks < 0 ? Timeout.InfiniteTimeSpan : ticks * Tick;

    private static string Value(int? result) => $"value {Describe(result)}";

    private string Describe(Outcome<int?> outcome) => outcome.Exception is { } failure ? Describe(failure) : Describe(outcome.GetResult());

    private static string List(IEnumerable<string> items) => $"[{string.Join(", ", items)}]";

    private LoopTask<int?>? Find(int number) => _tasks.GetValueOrDefault(number);

    private List<LoopTask<int?>> Existing(IEnumerable<int> numbers) => [.. numbers.Select(Find).OfType<LoopTask<int?>>()];
}

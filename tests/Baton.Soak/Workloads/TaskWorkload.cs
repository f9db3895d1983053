namespace Baton.Soak.Workloads;

/// <summary>
/// Trees of coroutines, tasks, groups, scopes, limits and combinators, which chance grows, fails and cancels. Every part knows how it may
/// end.
/// </summary>
internal sealed class TaskWorkload : Workload
{
    private const int MostDepth = 5;

    public override string Name => "Task";

    public override int WorkerCount => 3;

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        var random = new Random(worker.Random.Next());
        var open = new Count();
        try
        {
            if (worker.Chance(0.5))
            {
                await GrowAsync(random, open, 0);
            }
            else
            {
                await worker.Abuse(async Coroutine () => await GrowAsync(random, open, 0), 3);
            }
        }
        catch (Exception exception) when (IsOnPurpose(exception))
        {
            // It grew a failure.
        }

        SoakException.ThrowUnless(open.Value == 0, $"{open.Value} coroutines have not ended with what they belong to.");
    }

    private static bool IsOnPurpose(Exception exception) => exception switch
    {
        AggregateException aggregate => aggregate.InnerExceptions.All(IsOnPurpose),
        TimeZoneNotFoundException or TimeoutException => true,
        _ => false,
    };

    private static async Coroutine GrowAsync(Random random, Count open, int depth)
    {
        open.Value++;
        try
        {
            if (depth == MostDepth)
            {
                await EndAsync(random);
                return;
            }

            await BranchAsync(random, open, depth + 1);
        }
        finally
        {
            open.Value--;
        }
    }

    private static async Coroutine EndAsync(Random random)
    {
        switch (random.Next(10))
        {
            case 0:
                throw new TimeZoneNotFoundException("on purpose");
            case < 4:
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(random.NextDouble()));
                break;
            case < 8:
                await Coroutine.Yield();
                break;
        }
    }

    private static async Coroutine BranchAsync(Random random, Count open, int depth)
    {
        var limit = TimeSpan.FromMilliseconds(random.NextDouble() * 4);
        var count = random.Next(4);
        switch (random.Next(9))
        {
            case 0:
                for (var i = 0; i < count; i++)
                {
                    await GrowAsync(random, open, depth);
                }

                break;
            case 1:
                await TaskGroup.Run(async Coroutine (group) =>
                {
                    for (var i = 0; i < count; i++)
                    {
                        _ = group.CreateTask(GrowAsync(random, open, depth), eager: random.Next(2) == 0);
                    }

                    await GrowAsync(random, open, depth);
                });
                break;
            case 2:
                await CancelScope.Run(async Coroutine (_) => await GrowAsync(random, open, depth), limit);
                break;
            case 3:
                await LoopTimeout.Run(limit, async Coroutine () => await GrowAsync(random, open, depth));
                break;
            case 4:
                await Coroutine.WaitFor(GrowAsync(random, open, depth), limit);
                break;
            case 5:
                await CancelScope.Run(async Coroutine (_) => await GrowAsync(random, open, depth), shield: true);
                break;
            case 6:
                await WaitAsync(
                    Enumerable.Range(0, count + 1).Select(_ => Coroutine.Start(GrowAsync(random, open, depth))).ToList(), random);
                break;
            case 7:
                await OutcomesAsync(Enumerable.Range(0, count + 1).Select(_ => GrowAsync(random, open, depth)).ToList());
                break;
            default:
                await CancelOtherAsync(Coroutine.Start(GrowAsync(random, open, depth)), random);
                break;
        }
    }

    /// <summary>Waits for all of some tasks, in one way or the other, and leaves none alone.</summary>
    private static async Coroutine WaitAsync(List<LoopTask> tasks, Random random)
    {
        try
        {
            if (random.Next(2) == 0)
            {
                await Coroutine.Wait(tasks);
            }
            else
            {
                await foreach (var task in Coroutine.AsCompleted(tasks))
                {
                    SoakException.ThrowUnless(task.IsDone, "A task is said to have ended and has not.");
                }
            }
        }
        finally
        {
            tasks.ForEach(task => task.Cancel());
            await CancelScope.Run(async Coroutine (_) => await Coroutine.Wait(tasks), shield: true);
            Look(tasks);
        }
    }

    private static async Coroutine OutcomesAsync(List<Coroutine> coroutines)
    {
        // The tasks of a gather outlive it when it is cancelled: they are cancelled, but not waited for.
        var tasks = coroutines.Select(coroutine => Coroutine.Start(coroutine)).ToList();
        try
        {
            var outcomes = await Coroutine.GatherOutcomes(tasks);
            SoakException.ThrowUnless(outcomes.Length == tasks.Count, "A gather has lost something.");
        }
        finally
        {
            tasks.ForEach(task => task.Cancel());
            await CancelScope.Run(async Coroutine (_) => await Coroutine.Wait(tasks), shield: true);
            Look(tasks);
        }
    }

    private static async Coroutine CancelOtherAsync(LoopTask task, Random random)
    {
        try
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(random.NextDouble()));
        }
        finally
        {
            task.Cancel();
            await CancelScope.Run(async Coroutine (_) => await Coroutine.Wait([task]), shield: true);
            Look([task]);
        }
    }

    private static void Look(List<LoopTask> tasks)
    {
        foreach (var task in tasks)
        {
            var failure = task.IsCancelled ? null : task.GetException();
            SoakException.ThrowUnless(failure is null || IsOnPurpose(failure), $"A task failed otherwise than on purpose: {failure}");
        }
    }

    private sealed class Count
    {
        internal int Value { get; set; }
    }
}

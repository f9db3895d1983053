namespace Baton.Soak.Workloads;

/// <summary>Timers, which fire in their order, never early, and not once they are cancelled.</summary>
internal sealed class TimerWorkload : Workload
{
    public override string Name => "Timer";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        var loop = worker.Loop;
        var start = loop.Time;
        var fired = new List<(long When, int Number)>();
        var timers = new List<TimerHandle>();
        var end = loop.CreateFuture();
        var count = worker.Random.Next(50);
        for (var i = 0; i < count; i++)
        {
            var number = i;
            var when = start + (worker.Random.Next(20) * 100_000);
            timers.Add(loop.CallAt(when, () =>
            {
                SoakException.ThrowUnless(loop.Time >= when, $"A timer fired {when - loop.Time} ns early.");
                fired.Add((when, number));
            }));
        }

        loop.CallAt(start + 2_000_001, end.SetResult);
        var cancelled = timers.Where(_ => worker.Chance(0.3)).ToList();
        await worker.Pause();
        var late = cancelled.Where(timer => timer.IsPending).ToList();
        late.ForEach(timer => timer.Cancel());
        await end;
        SoakException.ThrowUnless(timers.All(timer => !timer.IsPending), "A timer has not fired.");
        SoakException.ThrowUnless(fired.Count == count - late.Count, $"{fired.Count} timers fired instead of {count - late.Count}.");
        SoakException.ThrowUnless(fired.SequenceEqual(fired.Order()), "Timers fired out of order.");
    }
}

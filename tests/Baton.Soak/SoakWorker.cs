using System.Net.Sockets;

namespace Baton.Soak;

/// <summary>Who does a <see cref="Workload"/>, round after round, with a generator of random numbers of its own.</summary>
public sealed class SoakWorker
{
    private readonly Workload _workload;

    internal SoakWorker(SoakPhase phase, Workload workload, int number)
    {
        Phase = phase;
        _workload = workload;
        Number = number;
        Name = $"{workload.Name}-{number}";
        Random = new Random(phase.SeedFor(Name));
    }

    /// <summary>The workload's name, and the number.</summary>
    public string Name { get; }

    /// <summary>The number among the workers of the workload, from 0.</summary>
    public int Number { get; }

    /// <summary>What it is a part of.</summary>
    public SoakPhase Phase { get; }

    /// <summary>The loop.</summary>
    public EventLoop Loop => Phase.Loop;

    /// <summary>By which it chooses.</summary>
    public Random Random { get; }

    /// <summary>Rounds that were done.</summary>
    public long RoundCount { get; private set; }

    /// <summary>Rounds that the faults of the phase ended.</summary>
    public long ExcusedCount { get; private set; }

    /// <summary>When the round began that is under way, by the loop's clock; null between rounds.</summary>
    internal long? RoundStart { get; private set; }

    /// <summary>Whether something happens that does so with a probability from 0 to 1.</summary>
    public bool Chance(double probability) => Random.NextDouble() < probability;

    /// <summary>A time up to a limit in milliseconds, mostly a short one.</summary>
    public TimeSpan Time(double milliseconds) => TimeSpan.FromMilliseconds(milliseconds * Random.NextDouble() * Random.NextDouble());

    /// <summary>A length up to a limit: as often a short one as a long one.</summary>
    public int Length(int limit) => (int)Math.Exp(Random.NextDouble() * Math.Log(limit + 1)) - 1 + Random.Next(2);

    /// <summary>A pattern of its own.</summary>
    public Pattern NextPattern() => new((uint)Random.NextInt64());

    /// <summary>Lets some turns of the loop go by, or some time.</summary>
    public async Coroutine Pause()
    {
        if (Chance(0.3))
        {
            await Coroutine.Sleep(Time(5));
            return;
        }

        for (var i = Random.Next(4); i > 0; i--)
        {
            await Coroutine.Yield();
        }
    }

    /// <summary>
    /// Cancels what is done after a time, which may be too late: by a scope around it, or as a task. True where it has ended by itself.
    /// </summary>
    public async Coroutine<bool> Abuse(Func<Coroutine> body, double milliseconds = 10)
    {
        if (Chance(0.5))
        {
            return await CancelScope.Run(async Coroutine (_) => await body(), Time(milliseconds));
        }

        return await Disturb(body(), static task => task.Cancel()) is not CancelledException;
    }

    /// <summary>
    /// Does something as a task, and after a while something to it, and waits for its end. What it may fail with then is what a program
    /// sees whose connection somebody else closes.
    /// </summary>
    /// <returns>With what the task failed; null where it did not.</returns>
    public async Coroutine<Exception?> Disturb(Coroutine body, Action<LoopTask> deed)
    {
        var task = Coroutine.Start(body, $"{Name}, to be disturbed");
        Exception? failure;
        try
        {
            await Pause();
            deed(task);
        }
        catch (CancelledException)
        {
            // It is this that somebody disturbs.
            task.Cancel();
            throw;
        }
        finally
        {
            await CancelScope.Run(async Coroutine (_) => await Coroutine.Wait([task]), shield: true);
            failure = OutcomeOf(task);
        }

        return failure;
    }

    private static Exception? OutcomeOf(LoopTask task)
    {
        var failure = task.IsCancelled ? new CancelledException() : task.GetException();
        if (failure is not (null or CancelledException or IOException or SocketException or InvalidOperationException))
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }

        return failure;
    }

    /// <summary>Whether a failure is what the faults of the phase bring about.</summary>
    public bool IsExcused(Exception exception) => Phase.Faults.MayFail && exception switch
    {
        SoakException => false,
        AggregateException aggregate => aggregate.InnerExceptions.All(IsExcused),
        IOException or SocketException or HttpRequestException => true,
        _ => false,
    };

    /// <summary>Does rounds until the phase has had enough of them.</summary>
    internal async Coroutine RunAsync()
    {
        while (Phase.WantsMore(this))
        {
            RoundStart = Loop.Time;
            try
            {
                await _workload.RunAsync(this);
            }
            catch (Exception exception) when (IsExcused(exception))
            {
                ExcusedCount++;
            }
            catch (Exception exception) when (exception is not CancelledException || LoopTask.Current!.CancelRequests == 0)
            {
                Phase.Fail($"{Name} failed in round {RoundCount + 1}: {exception}");
                return;
            }
            finally
            {
                RoundStart = null;
            }

            RoundCount++;
            await Coroutine.Yield();
        }
    }
}

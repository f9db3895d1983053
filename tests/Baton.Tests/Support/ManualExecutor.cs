namespace Baton.Tests;

/// <summary>An executor whose work waits until the test has it run, so that every stage of a call can be held.</summary>
public sealed class ManualExecutor : IExecutor
{
    private readonly Queue<Action> _queue = new();

    /// <summary>What the next call of <see cref="Execute"/> throws.</summary>
    public Exception? Refusal { get; set; }

    public int Count => _queue.Count;

    public void Execute(Action<object?> work, object? state)
    {
        if (Refusal is { } refusal)
        {
            Refusal = null;
            throw refusal;
        }

        _queue.Enqueue(() => work(state));
    }

    /// <summary>Starts the oldest work on a thread, which ends before the test does.</summary>
    public TestThread Start() => LoopTest.StartThread(_queue.Dequeue());

    /// <summary>Runs the oldest work on a thread to its end.</summary>
    public void RunNext() => Start().Join();
}

/// <summary>Runs everything at once, where it is asked: the simplest executor that somebody could write.</summary>
public sealed class InlineExecutor : IExecutor
{
    public void Execute(Action<object?> work, object? state) => work(state);
}

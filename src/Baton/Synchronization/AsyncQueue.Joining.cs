namespace Baton;

// Who puts items in may wait until others, who took them out, are done with them.
public partial class AsyncQueue<T>
{
    private WaiterQueue<VoidResult>? _joiners;
    private int _unfinished;

    private int JoinerCount => _joiners?.Count ?? 0;

    /// <summary>
    /// Says that an item that was taken out has been dealt with. To be called once for each item, by those who use <see cref="JoinAsync"/>.
    /// Corresponds to <c>Queue.task_done</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// It was called more often than items were put in, or the queue belongs to another loop.
    /// </exception>
    public void TaskDone()
    {
        _binding.Check(this);
        if (_unfinished == 0)
        {
            throw new InvalidOperationException(
                $"TaskDone was called more often than items were put into the {KindName}. Call it once for each item.");
        }

        FinishOne();
    }

    /// <summary>
    /// Waits until <see cref="TaskDone"/> has been called for every item that was put in; does not suspend when that is so. Corresponds to
    /// <c>Queue.join</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The queue belongs to another loop, or no loop runs on this thread.</exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited.</exception>
    public ValueTask JoinAsync()
    {
        var loop = _binding.Enter(this);
        if (_unfinished == 0)
        {
            return loop.TryConsumeBudget() ? default : Waiter<VoidResult>.Done(loop, default).VoidTask;
        }

        _joiners ??= new WaiterQueue<VoidResult>(this, nameof(JoinAsync));
        var waiter = _joiners.Rent(loop);
        waiter.Wait(_joiners);
        return waiter.VoidTask;
    }

    private void FinishOne()
    {
        _unfinished--;
        if (_unfinished == 0)
        {
            _joiners?.SucceedAll();
        }
    }
}

using System.Diagnostics.CodeAnalysis;

namespace Baton;

/// <summary>Those who wait for the same thing, first come first. The links are in the waiters: waiting allocates nothing.</summary>
/// <typeparam name="TResult">What they wait for.</typeparam>
internal sealed class WaiterQueue<TResult>(ILoopBound owner, string operation)
{
    private Waiter<TResult>? _last;
    private WaiterPool<Waiter<TResult>>? _pool;

    internal Waiter<TResult>? First { get; private set; }

    internal int Count { get; private set; }

    /// <summary>Names the wait in reports.</summary>
    public override string ToString() => $"{operation} of {owner}";

    /// <summary>A waiter of the plain kind, which is not in the queue yet.</summary>
    internal Waiter<TResult> Rent(EventLoop loop) => WaiterPool<Waiter<TResult>>.Of(loop, ref _pool).Rent();

    internal void Enqueue(Waiter<TResult> waiter)
    {
        waiter.Queue = this;
        if (_last is { } last)
        {
            waiter.Previous = last;
            last.Next = waiter;
        }
        else
        {
            First = waiter;
        }

        _last = waiter;
        Count++;
    }

    internal bool TryDequeue([NotNullWhen(true)] out Waiter<TResult>? waiter)
    {
        waiter = First;
        if (waiter is null)
        {
            return false;
        }

        Remove(waiter);
        return true;
    }

    internal void Remove(Waiter<TResult> waiter)
    {
        var next = waiter.Next;
        var previous = waiter.Previous;
        if (next is null)
        {
            _last = previous;
        }
        else
        {
            next.Previous = previous;
        }

        if (previous is null)
        {
            First = next;
        }
        else
        {
            previous.Next = next;
        }

        waiter.Next = null;
        waiter.Previous = null;
        Count--;
    }

    internal void SucceedAll()
    {
        while (TryDequeue(out var waiter))
        {
            waiter.Succeed();
        }
    }

    /// <summary>Ends every wait; each gets an exception of its own.</summary>
    internal void FailAll(Func<Exception> failure)
    {
        while (TryDequeue(out var waiter))
        {
            waiter.Fail(failure());
        }
    }

    /// <summary>Ends the waits that go through one half of a channel.</summary>
    internal void FailAllOf(object origin, Func<Exception> failure)
    {
        for (var waiter = First; waiter is not null;)
        {
            var next = waiter.Next;
            if (ReferenceEquals(waiter.Half, origin))
            {
                Remove(waiter);
                waiter.Fail(failure());
            }

            waiter = next;
        }
    }
}

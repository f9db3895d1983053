using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>Something that belongs to the loop that first uses it, so that it can be made before a loop runs.</summary>
internal interface ILoopBound
{
    /// <summary>What it is called in messages.</summary>
    string Kind { get; }

    /// <summary>Whether another loop can take over: nobody waits for it, and nobody holds it.</summary>
    bool IsIdle { get; }
}

/// <summary>The loop to which a primitive belongs, if any yet. Checked on every use: one read of a thread static and a compare.</summary>
internal struct LoopBinding
{
    private EventLoop? _loop;

    /// <summary>Whether the loop is closed: whoever still waits will never run.</summary>
    public readonly bool IsClosed => _loop is { IsClosed: true };

    /// <summary>For a member that may have to wait: the running loop, to which the primitive is bound from now on.</summary>
    /// <exception cref="InvalidOperationException">No loop runs on this thread, or the primitive belongs to another one.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public EventLoop Enter(ILoopBound owner)
    {
        var loop = EventLoop.CurrentOrNull;
        if (loop is null || !ReferenceEquals(loop, _loop))
        {
            Bind(owner);
            loop = EventLoop.Current;
        }

        loop.ThrowIfCancelOverdue();
        return loop;
    }

    /// <summary>For a member that never waits, which may be called before the loop runs, too.</summary>
    /// <exception cref="InvalidOperationException">The primitive belongs to a loop that is not this thread's.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Check(ILoopBound owner)
    {
        if (!ReferenceEquals(EventLoop.CurrentOrNull, _loop))
        {
            Bind(owner);
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Bind(ILoopBound owner)
    {
        var current = EventLoop.CurrentOrNull;
        if (_loop is null || (_loop.IsClosed && owner.IsIdle))
        {
            _loop = current;
        }
        else if (current is not null || _loop.IsClosed || !_loop.IsOnLoopThread)
        {
            Throw(owner, _loop, current);
        }
    }

    [DoesNotReturn]
    private static void Throw(ILoopBound owner, EventLoop loop, EventLoop? current)
    {
        if (loop.IsClosed)
        {
            throw new InvalidOperationException(
                $"This {owner.Kind} was still held or waited for when its event loop '{loop.Name}' was closed. Make a new one for another loop.");
        }

        var here = current is null ? $"thread {Environment.CurrentManagedThreadId} runs none" : $"this is event loop '{current.Name}'";
        throw new InvalidOperationException(
            $"This {owner.Kind} belongs to event loop '{loop.Name}', which used it first, and {here}. It is not thread-safe: use it from its own loop, by way of " +
            "CallSoonThreadSafe or RunCoroutineThreadSafe.");
    }
}

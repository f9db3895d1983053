using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;

namespace Baton;

internal enum CoroutineStatus : byte
{
    /// <summary>Made, and not awaited or handed to a task yet.</summary>
    Created,

    /// <summary>As <see cref="Created"/>, in debug mode: a <see cref="CoroutineGuard"/> watches whether it ever is.</summary>
    Watched,

    /// <summary>Awaited or handed to a task; not started.</summary>
    Claimed,

    /// <summary>Started; runs or is suspended.</summary>
    Started,

    /// <summary>Ended with a result that nobody has taken yet.</summary>
    Succeeded,

    /// <summary>Ended with an exception that nobody has taken yet.</summary>
    Failed,
}

/// <summary>
/// What stands behind a <see cref="Coroutine"/>: pooled, one use at a time, each use named by <see cref="Version"/>.
/// </summary>
/// <remarks>
/// Invariants. The status only moves forwards within a use. Whoever takes the outcome ends the use: the version changes, and the object
/// returns to its pool. <see cref="Continuation"/> is what awaits this coroutine, null until it suspended. Everything here is for the loop
/// thread, except that a coroutine which has not started may be made and handed over on any thread.
/// </remarks>
internal abstract class CoroutineSource : LoopItem
{
    internal int Version;
    internal CoroutineStatus Status;

    /// <summary>The coroutine, task or plain continuation that waits for this one.</summary>
    internal LoopItem? Continuation;

    /// <summary>The task within which this coroutine runs; null when plain code on the loop thread awaits it outside of any task.</summary>
    internal LoopTask? Task;

    /// <summary>The cancel scope in which this coroutine is suspended. It holds again when the coroutine resumes.</summary>
    internal CancelScope? Scope;

    /// <summary>The captured failure, once the status is <see cref="CoroutineStatus.Failed"/>.</summary>
    private ExceptionDispatchInfo? _failure;

    internal bool IsEnded => Status >= CoroutineStatus.Succeeded;

    internal sealed override CancelScope? WaitScope => Scope;

    /// <summary>Takes the one right to await this coroutine or to make it a task.</summary>
    internal void Claim(int version)
    {
        if (Version != version || Status != CoroutineStatus.Created)
        {
            ClaimWatched(version);
        }

        Status = CoroutineStatus.Claimed;
    }

    /// <summary>Ends the use without running anything.</summary>
    internal void Close(int version)
    {
        Claim(version);
        Recycle();
    }

    /// <summary>Starts the coroutine within the current task, if it has not been started. True when it has ended already.</summary>
    internal bool StartOrPoll(int version)
    {
        if (Version != version)
        {
            ThrowReused();
        }

        if (Status != CoroutineStatus.Claimed)
        {
            return IsEnded;
        }

        return StartInline(EventLoop.CurrentOrNull ?? ThrowOffLoop());
    }

    /// <summary>Starts within the step that runs now. True when the coroutine has ended.</summary>
    protected abstract bool StartInline(EventLoop loop);

    /// <summary>Starts as the outermost coroutine of a task whose step has been entered.</summary>
    internal abstract void StartAsRoot(EventLoop loop, LoopTask task);

    /// <summary>Says what awaits this coroutine.</summary>
    internal void SetContinuation(LoopItem continuation, int version)
    {
        if (Version != version || Continuation is not null)
        {
            ThrowReused();
        }

        Continuation = continuation;
        if (IsEnded)
        {
            EventLoop.Current.Ready(continuation);
        }
    }

    internal void Fail(Exception exception)
    {
        _failure = ExceptionDispatchInfo.Capture(exception);
        Status = CoroutineStatus.Failed;
    }

    /// <summary>Takes the outcome of a coroutine without a result, and ends the use.</summary>
    internal void TakeResult(int version)
    {
        CheckEnded(version);
        var failure = TakeFailure();
        Recycle();
        failure?.Throw();
    }

    /// <summary>
    /// Takes the outcome for the task of which this is the outermost coroutine; a result stays to be read until <see cref="Recycle"/>.
    /// </summary>
    internal ExceptionDispatchInfo? TakeFailure()
    {
        var failure = _failure;
        _failure = null;
        return failure;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    protected void CheckEnded(int version)
    {
        if (Version != version || !IsEnded)
        {
            ThrowNotEnded(version);
        }
    }

    /// <summary>Ends the use and returns the object to its pool. The result is gone.</summary>
    internal abstract void Recycle();

    /// <summary>Clears what this level holds. Called by <see cref="Recycle"/>.</summary>
    protected void Reset()
    {
        Version++;
        Status = CoroutineStatus.Created;
        Continuation = null;
        Task = null;
        Scope = null;
        _failure = null;
    }

    private void ClaimWatched(int version)
    {
        if (Version != version || Status != CoroutineStatus.Watched)
        {
            ThrowReused();
        }

        CoroutineGuard.Claim(this);
    }

    [DoesNotReturn]
    private static void ThrowReused() => throw new InvalidOperationException(
        "Cannot reuse an already awaited coroutine. A coroutine can be awaited or made a task once; call the method again for a new one, or make it a " +
        "task, which can be awaited any number of times.");

    private void ThrowNotEnded(int version)
    {
        if (Version != version)
        {
            ThrowReused();
        }

        throw new InvalidOperationException(
            "The coroutine has not completed. Await it: blocking on it would block the loop that has to run it.");
    }

    [DoesNotReturn]
    private static EventLoop ThrowOffLoop() => throw new InvalidOperationException(
        "A coroutine was awaited on a thread that runs no event loop. Pass it to EventLoop.RunCoroutineThreadSafe and await the task that this returns.");
}

using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;

namespace Baton;

// Where a task stands. Nothing is recorded while tasks run: a coroutine knows what awaits it, and a task what it waits for, so the stack is
// found by going from the innermost to the outermost. Where the innermost awaits something that is not Baton's, it is found by going the
// other way, through the awaiters that the state machines keep.
public partial class LoopTask
{
    /// <summary>
    /// Where the task stands: its coroutines from the outermost to the innermost, each with the line of its <c>await</c> where there are
    /// debugging symbols, and what the innermost waits for. Corresponds to <c>Task.get_stack</c>, which knows the outermost only.
    /// </summary>
    /// <remarks>
    /// Plain <c>async Task</c> methods cannot be seen: a frame says that they are there. Of the task that runs now the stack is that of the
    /// call. Costs nothing until it is called.
    /// </remarks>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public AwaitStack GetAwaitStack()
    {
        Loop.CheckThread();
        if (IsDone || Source is null)
        {
            return AwaitStack.Empty;
        }

        if (ReferenceEquals(Loop.CurrentTask, this))
        {
            return RunningStack();
        }

        if (Source.Status == CoroutineStatus.Claimed && Source.Continuation is null)
        {
            var outermost = new List<AwaitStackFrame>();
            if (Source is CoroutineBox box)
            {
                AddFrame(outermost, box);
            }

            return new AwaitStack(AwaitState.NotStarted, outermost, null);
        }

        return SuspendedStack();
    }

    /// <summary>The execution context of the outermost coroutine, as it was when that was suspended.</summary>
    internal ExecutionContext? OutermostContext => (Source as CoroutineBox)?.Context;

    internal void RequireWaitNotification() => _context?.RequireWaitNotification();

    private static void AddFrame(List<AwaitStackFrame> frames, CoroutineBox box)
    {
        if (!StateMachines.IsWrapper(box.GetStateMachine().GetType()))
        {
            frames.Add(new AwaitStackFrame(StateMachines.Locate(box)));
        }
    }

    /// <summary>The coroutine that waits for a leaf directly, and those around it, up to the task or to plain code.</summary>
    private static CoroutineBox? DirectlyWaiting(LoopItem leaf) =>
        leaf as CoroutineBox ?? leaf.Resumes ?? (leaf as CoroutineSource)?.Continuation as CoroutineBox;

    /// <summary>Adds frames from the innermost to the outermost. True when the outermost is the task's own.</summary>
    private bool Climb(LoopItem leaf, List<AwaitStackFrame> frames)
    {
        if (ReferenceEquals((leaf as CoroutineSource)?.Continuation, this) && leaf is not CoroutineBox)
        {
            return true; // A sleep that is the whole task.
        }

        for (var box = DirectlyWaiting(leaf); box is not null; box = box.Continuation as CoroutineBox)
        {
            AddFrame(frames, box);
            if (ReferenceEquals(box.Continuation, this))
            {
                return true;
            }
        }

        return false;
    }

    private AwaitStack SuspendedStack()
    {
        var frames = new List<AwaitStackFrame>();
        var leaves = LeavesNow();
        foreach (var leaf in leaves)
        {
            if (Climb(leaf, frames))
            {
                frames.Reverse();
                return new AwaitStack(AwaitState.Suspended, frames, leaf.Describe());
            }

            frames.Clear();
        }

        // What is waited for is not Baton's, or not directly: the task is where its outermost coroutine leads.
        var boxes = Descend(out var waitsFor);
        boxes.ForEach(box => AddFrame(frames, box));
        if (leaves.Length == 0)
        {
            return new AwaitStack(AwaitState.Suspended, frames, waitsFor);
        }

        frames.Add(AwaitStackFrame.PlainCode);
        var inner = new List<AwaitStackFrame>();
        Climb(leaves[0], inner);
        inner.Reverse();
        frames.AddRange(inner);
        waitsFor = leaves[0].Describe();
        return new AwaitStack(AwaitState.Suspended, frames, leaves.Length == 1 ? waitsFor : $"{waitsFor} and {leaves.Length - 1} more");
    }

    /// <summary>The coroutines from the outermost to the innermost that can be seen, and what that one awaits.</summary>
    private List<CoroutineBox> Descend(out string waitsFor)
    {
        var boxes = new List<CoroutineBox>();
        var source = Source;
        while (source is CoroutineBox box)
        {
            boxes.Add(box);
            var awaiter = StateMachines.FindAwaiter(box);
            if (awaiter is not ICoroutineAwaiter { Source: { } child } || !ReferenceEquals(child.Continuation, box))
            {
                waitsFor = StateMachines.Describe(awaiter);
                return boxes;
            }

            source = child;
        }

        waitsFor = source?.Describe() ?? "nothing";
        return boxes;
    }

    /// <summary>
    /// The coroutines that are suspended until those that run have ended, and then the methods on the thread's own stack, of which the
    /// outermost is the coroutine that the loop resumed.
    /// </summary>
    private AwaitStack RunningStack()
    {
        var frames = new List<AwaitStackFrame>();
        var called = CalledFrames();
        var boxes = Descend(out _);
        if (called.Count > 0)
        {
            // The innermost of the chain is the one that the loop resumed, and it stands on the thread's stack too.
            boxes.RemoveAt(boxes.Count - 1);
        }

        boxes.ForEach(box => AddFrame(frames, box));
        called.Reverse();
        frames.AddRange(called);
        return new AwaitStack(AwaitState.Running, frames, null);
    }

    /// <summary>
    /// The methods on the thread's stack within the step that runs now, Baton's own left out, from the innermost to the outermost.
    /// </summary>
    private static List<AwaitStackFrame> CalledFrames()
    {
        var frames = new List<AwaitStackFrame>();
        foreach (var frame in new StackTrace(fNeedFileInfo: false).GetFrames())
        {
            if (MethodOf(frame) is not { } method)
            {
                continue;
            }

            if (CreationSite.IsLoop(method) || (method.DeclaringType == typeof(EventLoop) && method.Name == "StartEagerly"))
            {
                break;
            }

            if (!CreationSite.IsPlumbing(method))
            {
                var place = DebugSymbols.FindInstruction(method, frame.GetILOffset());
                frames.Add(new AwaitStackFrame(new CodeLocation(MethodNames.Of(method), place?.File, place?.Line ?? 0)));
            }
        }

        return frames;
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Where the method was trimmed away, the frame is left out.")]
    private static MethodBase? MethodOf(StackFrame frame) => frame.GetMethod();
}

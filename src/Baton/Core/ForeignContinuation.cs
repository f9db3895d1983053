namespace Baton;

/// <summary>
/// A continuation of code that is not a coroutine, such as a plain <c>async Task</c> method: what to call, and the task and contexts to
/// call it in.
/// </summary>
internal sealed class ForeignContinuation : LoopItem
{
    private const int PoolLimit = 256;

    private static readonly SendOrPostCallback RunAction = static state => ((Action)state!)();

    [ThreadStatic]
    private static ForeignContinuation? t_pool;

    [ThreadStatic]
    private static int t_pooled;

    private SendOrPostCallback? _callback;
    private object? _state;
    private LoopTask? _task;
    private CancelScope? _scope;
    private bool _useContext;
    private ExecutionContext? _executionContext;

    /// <summary>A continuation that runs in the task and under the kind of context that hold now. Loop thread only.</summary>
    internal static ForeignContinuation Rent(Action continuation, ExecutionContext? executionContext)
    {
        var loop = EventLoop.Current;
        return Rent(
            RunAction,
            continuation,
            loop.CurrentTask,
            loop.CurrentScope,
            SynchronizationContext.Current is LoopSynchronizationContext,
            executionContext);
    }

    /// <summary>A continuation from any thread.</summary>
    internal static ForeignContinuation Rent(
        SendOrPostCallback callback, object? state, LoopTask? task, CancelScope? scope, bool useContext, ExecutionContext? executionContext)
    {
        var item = t_pool;
        if (item is null)
        {
            item = new ForeignContinuation();
        }
        else
        {
            t_pool = (ForeignContinuation?)item.Link;
            t_pooled--;
            item.Link = null;
        }

        item._callback = callback;
        item._state = state;
        item._task = task;
        item._scope = scope;
        item._useContext = useContext;
        item._executionContext = executionContext;
        return item;
    }

    internal override void Run(EventLoop loop)
    {
        var callback = _callback!;
        var state = _state;
        var task = _task;
        var scope = _scope;
        var useContext = _useContext;
        var executionContext = _executionContext;
        Return();
        loop.EnterForeign(task, scope, useContext, executionContext);
        callback(state);
    }

    internal override string Describe() => "a continuation";

    private void Return()
    {
        _callback = null;
        _state = null;
        _task = null;
        _scope = null;
        _executionContext = null;
        if (t_pooled < PoolLimit)
        {
            t_pooled++;
            Link = t_pool;
            t_pool = this;
        }
    }
}

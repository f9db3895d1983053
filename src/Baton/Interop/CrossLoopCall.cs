using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

namespace Baton;

/// <summary>A wait of a task of one loop for coroutines on others, one each.</summary>
/// <remarks>
/// The legs share nothing but a count of those that have not ended, and the word that it is over: each writes its own outcome before it
/// counts down, and the one that comes to zero posts the whole back. Until then the caller's loop hears nothing.
/// </remarks>
internal sealed class CrossLoopCall<TResult> : LoopOperation, IValueTaskSource<TResult[]>
{
    private readonly EventLoopGroup _group;
    private readonly Func<EventLoop, Coroutine<TResult>> _function;
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private readonly Leg[] _legs;
    private readonly Return _return;
    private bool _isForAll;
    private int _left;
    private volatile bool _isGivenUp;
    private string? _message;

    internal CrossLoopCall(
        EventLoop caller, IReadOnlyList<EventLoop> targets, EventLoopGroup group, Func<EventLoop, Coroutine<TResult>> function)
        : base(caller)
    {
        _group = group;
        _function = function;
        _legs = [.. targets.Select(target => new Leg(this, target))];
        _left = _legs.Length;
        _return = new Return(this);
    }

    internal ValueTask<TResult[]> Start(bool isForAll = false)
    {
        Begin();
        _isForAll = isForAll;
        foreach (var leg in _legs)
        {
            leg.Post();
        }

        return new ValueTask<TResult[]>(this, Token);
    }

    TResult[] IValueTaskSource<TResult[]>.GetResult(short token)
    {
        EndUse(token);
        OnResultTaken();
        return Array.ConvertAll(_legs, leg => leg.Result);
    }

    internal override string Describe() =>
        $"call of {EventLoop.NameOf(_function)} on {(_isForAll ? _group.ToString() : $"event loop '{_legs[0].Target.Name}'")}";

    protected override void OnResultTaken()
    {
        var failures = _legs.Where(leg => leg.Failure is not null).Select(leg => leg.Failure!).ToList();
        if (failures.Count > 0 && _isForAll)
        {
            throw new AggregateException(failures);
        }

        if (failures.Count > 0)
        {
            ExceptionDispatchInfo.Throw(failures[0]);
        }

        if (_legs.Any(leg => leg.IsCancelled))
        {
            throw new CancelledException(_message);
        }
    }

    /// <summary>Never in vain: where the others have ended, the outcome is on its way, and is delivered.</summary>
    protected override bool RequestCancel(string? message)
    {
        _message = message;
        GiveUp();
        return true;
    }

    private void GiveUp()
    {
        if (!_isGivenUp)
        {
            _isGivenUp = true;
            foreach (var leg in _legs)
            {
                leg.PostCancel();
            }
        }
    }

    /// <summary>Called on the thread of the leg's loop, or where that is closed, on the one that has found out.</summary>
    private void OnEnded(Leg leg)
    {
        if (leg.Failure is not null && _legs.Length > 1)
        {
            GiveUp();
        }

        if (Interlocked.Decrement(ref _left) == 0 && !Loop.TryPost(_return))
        {
            ReportLost();
        }
    }

    /// <summary>The loop of who waited has closed over it.</summary>
    private void ReportLost()
    {
        foreach (var leg in _legs)
        {
            if (leg.Failure is { } failure)
            {
                leg.Target.ReportException(
                    $"The {Describe()} failed when event loop '{Loop.Name}', which waited for it, had closed", failure);
            }
        }
    }

    private void Finish() => Complete(faulted: Array.Exists(_legs, leg => leg.Failure is not null || leg.IsCancelled));

    /// <summary>The way back.</summary>
    private sealed class Return(CrossLoopCall<TResult> call) : LoopItem, EventLoop.IAbandonable
    {
        internal override void Run(EventLoop loop) => call.Finish();

        void EventLoop.IAbandonable.Abandon() => call.ReportLost();
    }

    /// <summary>The coroutine on one loop. All but <see cref="Post"/> and <see cref="PostCancel"/> belongs to that loop.</summary>
    private sealed class Leg(CrossLoopCall<TResult> call, EventLoop target) : LoopItem, EventLoop.IAbandonable
    {
        private LoopTask<TResult>? _task;
        private bool _isEnded;

        internal EventLoop Target => target;

        internal TResult Result { get; private set; } = default!;

        internal Exception? Failure { get; private set; }

        internal bool IsCancelled { get; private set; }

        internal void Post()
        {
            if (!target.TryPost(this))
            {
                Fail(new InvalidOperationException($"Event loop '{target.Name}' is closed: nothing can be called on it."));
            }
        }

        /// <summary>A leg that arrives later than this sees for itself that the call has been given up.</summary>
        internal void PostCancel() => target.TryCallSoonThreadSafe(static leg => ((Leg)leg!).Cancel(), this);

        internal override void Run(EventLoop loop)
        {
            loop.EnterCallback(call._context);
            try
            {
                _task = loop.CreateTask(call._group.Call(loop, call._function));
            }
            catch (Exception exception)
            {
                Fail(exception);
                return;
            }

            loop.OpenCalls.Add(this);
            _task.AddDoneCallback(static (_, leg) => ((Leg)leg!).Finish(), this);
            if (call._isGivenUp)
            {
                Cancel();
            }
        }

        internal override string Describe() => call.Describe();

        void EventLoop.IAbandonable.Abandon()
        {
            if (_task is { IsDone: true })
            {
                Finish();
            }
            else
            {
                Fail(new InvalidOperationException(
                    $"Event loop '{target.Name}' was closed before {(_task is null ? "the call could run" : $"{_task} had ended")}."));
            }
        }

        private void Cancel() => _task?.Cancel(call._message);

        private void Finish()
        {
            if (_isEnded)
            {
                return;
            }

            target.OpenCalls.Remove(this);
            if (_task!.IsCancelled)
            {
                IsCancelled = true;
                End();
            }
            else if (_task.GetException() is { } failure)
            {
                Fail(failure);
            }
            else
            {
                Result = _task.GetResult();
                End();
            }
        }

        private void Fail(Exception failure)
        {
            Failure = failure;
            End();
        }

        private void End()
        {
            if (!_isEnded)
            {
                _isEnded = true;
                call.OnEnded(this);
            }
        }
    }
}

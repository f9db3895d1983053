namespace Baton;

/// <summary>A function on its way to an executor, and its outcome on the way back: the future that <c>RunInExecutor</c> returns.</summary>
/// <remarks>
/// The stage is what the two threads agree by. The executor's thread moves it from queued to running to finished; the loop's thread moves
/// it from queued or running to abandoned. Everything else belongs to one of them at a time: to the loop's thread, except from running
/// until the call has been posted back.
/// </remarks>
#pragma warning disable CA1001 // The source of the token has no timer and is disposed of, for its wait handles, when the function has ended.
internal sealed class ExecutorCall<TResult> : Future<TResult>, EventLoop.IAbandonable
#pragma warning restore CA1001
{
    internal static readonly Action<object?> Work = static call => ((ExecutorCall<TResult>)call!).Execute();

    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private readonly CancellationTokenSource? _tokenSource;
    private readonly CancellationToken _token;
    private Delegate? _function;
    private TResult _outcome = default!;
    private Exception? _failure;
    private int _stage;
    private bool _isDelivered;

    /// <param name="loop">The loop.</param>
    /// <param name="function">One of the four kinds of delegate that <see cref="Invoke"/> knows.</param>
    /// <param name="takesToken">Whether the function takes a token.</param>
    internal ExecutorCall(EventLoop loop, Delegate function, bool takesToken)
        : base(loop)
    {
        _function = function;
        if (takesToken)
        {
            _tokenSource = new CancellationTokenSource();
            _token = _tokenSource.Token;
        }
    }

    private static class Stage
    {
        internal const int Queued = 0;
        internal const int Running = 1;
        internal const int Finished = 2;
        internal const int Abandoned = 3;
    }

    protected override string Label =>
        _function is { } function ? $"Call of {EventLoop.NameOf(function)} in an executor" : "Call in an executor";

    /// <summary>
    /// Ends the wait at once. A function that has not started never does; one that runs goes on, with its token cancelled, and what becomes
    /// of it is dropped, a failure aside. One that has ended already delivers: the cancellation came too late.
    /// </summary>
    public override bool Cancel(string? message = null)
    {
        Loop.CheckThread();
        if (IsDone)
        {
            return false;
        }

        switch (Interlocked.CompareExchange(ref _stage, Stage.Abandoned, Stage.Queued))
        {
            case Stage.Queued:
                End();
                return base.Cancel(message);
            case Stage.Running when Interlocked.CompareExchange(ref _stage, Stage.Abandoned, Stage.Running) == Stage.Running:
                base.Cancel(message);
                CancelToken();
                return true;
            default:
                Deliver();
                return false;
        }
    }

    /// <summary>The executor refused the call, so it must never run.</summary>
    internal void Discard()
    {
        if (Interlocked.CompareExchange(ref _stage, Stage.Abandoned, Stage.Queued) == Stage.Queued)
        {
            End();
        }
    }

    /// <summary>Takes the outcome in, on the loop thread.</summary>
    internal override void Run(EventLoop loop)
    {
        loop.EnterCallback(null);
        Deliver();
    }

    internal override string Describe() => ToString();

    /// <summary>The loop closes. A failure that was about to be delivered is reported in spite of it.</summary>
    void EventLoop.IAbandonable.Abandon()
    {
        if (Loop.IsClosed)
        {
            ReportAfterClose();
        }
        else
        {
            Deliver();
        }
    }

    /// <summary>Runs the function, on a thread of the executor's. Never throws.</summary>
    private void Execute()
    {
        // Otherwise it was cancelled while it waited, or the executor calls it a second time.
        if (Interlocked.CompareExchange(ref _stage, Stage.Running, Stage.Queued) != Stage.Queued)
        {
            return;
        }

        try
        {
            if (_context is null)
            {
                Invoke();
            }
            else
            {
                ExecutionContext.Run(_context, static call => ((ExecutorCall<TResult>)call!).Invoke(), this);
            }
        }
        catch (Exception exception)
        {
            _failure = exception;
        }

        Interlocked.CompareExchange(ref _stage, Stage.Finished, Stage.Running);
        if (!Loop.TryPost(this))
        {
            ReportAfterClose();
        }
    }

    private void Invoke()
    {
        switch (_function)
        {
            case Func<TResult> function:
                _outcome = function();
                break;
            case Func<CancellationToken, TResult> function:
                _outcome = function(_token);
                break;
            case Action function:
                function();
                break;
            default:
                ((Action<CancellationToken>)_function!)(_token);
                break;
        }
    }

    private void Deliver()
    {
        // It may have been delivered by a cancellation that came between the end of the function and its turn in the queue.
        if (_isDelivered)
        {
            return;
        }

        if (_failure is null)
        {
            TrySetResult(_outcome);
        }
        else if (!TrySetException(_failure) && !IsAnswerToCancellation)
        {
            Loop.ReportException($"{this} failed when nobody waited for it any more", _failure, this);
        }

        _tokenSource?.Dispose();
        End();
    }

    private bool IsAnswerToCancellation => _failure is OperationCanceledException && _token.IsCancellationRequested;

    private void ReportAfterClose()
    {
        if (_failure is { } failure && !IsAnswerToCancellation)
        {
            Loop.ReportException($"{this} failed after its event loop had been closed", failure, this);
        }
    }

    private void CancelToken()
    {
        try
        {
            _tokenSource?.Cancel();
        }
        catch (AggregateException exception)
        {
            Loop.ReportException($"A callback on the cancellation token of {this} failed", exception, this);
        }
    }

    /// <summary>Nothing comes any more. The function goes, for it may hold much and the future may be kept.</summary>
    private void End()
    {
        _isDelivered = true;
        _function = null;
        _failure = null;
        Loop.EndDefaultExecutorCall(this);
    }
}

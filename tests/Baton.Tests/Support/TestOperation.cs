using System.Threading.Tasks.Sources;

namespace Baton.Tests;

/// <summary>An operation that the test completes, and that reacts to a cancellation in the way that the test chooses.</summary>
public sealed class TestOperation(EventLoop loop) : LoopOperation(loop), IValueTaskSource<int>
{
    private int _result;
    private Exception? _failure;

    /// <summary>What happens when the task that waits is cancelled; refuses unless set.</summary>
    public Func<TestOperation, string?, bool> OnCancel { get; set; } = static (_, _) => false;

    public int CancelRequests { get; private set; }

    public int ResultsTaken { get; private set; }

    /// <summary>Ends at once, as cancelled, when the task that waits is cancelled.</summary>
    public static Func<TestOperation, string?, bool> EndAtOnce { get; } = static (operation, message) =>
    {
        operation.Fail(new CancelledException(message));
        return true;
    };

    public ValueTask<int> Start()
    {
        Begin();
        _failure = null;
        return new ValueTask<int>(this, Token);
    }

    public ValueTask StartWithoutResult()
    {
        Begin();
        _failure = null;
        return new ValueTask(this, Token);
    }

    /// <summary>An operation that is done at once and hands its result out directly.</summary>
    public ValueTask<int> StartDone(int result)
    {
        Begin();
        EndSynchronously();
        return new ValueTask<int>(result);
    }

    public void Succeed(int result = 0)
    {
        Complete();
        _result = result;
    }

    public void Fail(Exception failure)
    {
        Complete(faulted: true);
        _failure = failure;
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        EndUse(token);
        OnResultTaken();
        return _result;
    }

    protected override bool RequestCancel(string? message)
    {
        CancelRequests++;
        return OnCancel(this, message);
    }

    protected override void OnResultTaken()
    {
        ResultsTaken++;
        if (_failure is { } failure)
        {
            throw failure;
        }
    }
}

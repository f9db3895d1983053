using System.Text;

namespace Baton.Tests.Processes;

/// <summary>A protocol of a child process that keeps what it is called with.</summary>
internal class TraceSubprocessProtocol : ISubprocessProtocol
{
    private readonly List<(Func<bool> Condition, Future Held)> _waiters = [];

    /// <summary>The calls so far; data of one stream that follows on data of the same is one.</summary>
    public List<string> Calls { get; } = [];

    public StringBuilder[] Data { get; } = [new(), new(), new()];

    public Exception?[] Lost { get; } = new Exception?[3];

    public ISubprocessTransport? Transport { get; private set; }

    public int? ExitCodeAtExit { get; private set; }

    public bool IsLost { get; private set; }

    public virtual void ConnectionMade(ISubprocessTransport transport)
    {
        Transport = transport;
        Note("made");
    }

    public virtual void PipeDataReceived(int descriptor, ReadOnlySpan<byte> data)
    {
        Data[descriptor].Append(Encoding.UTF8.GetString(data));
        if (Calls[^1] != $"data {descriptor}")
        {
            Note($"data {descriptor}");
        }

        Wake();
    }

    public virtual void PipeConnectionLost(int descriptor, Exception? exception)
    {
        Lost[descriptor] = exception;
        Note($"lost {descriptor}");
    }

    public virtual void ProcessExited()
    {
        ExitCodeAtExit = Transport!.ExitCode;
        Note("exited");
    }

    public virtual void ConnectionLost(Exception? exception)
    {
        Assert.Null(exception);
        Assert.False(IsLost);
        IsLost = true;
        Note("lost");
    }

    public void PauseWriting() => Note("pause");

    public void ResumeWriting() => Note("resume");

    /// <summary>Waits until something holds, as of some call.</summary>
    public async Coroutine Until(Func<bool> condition)
    {
        if (!condition())
        {
            var held = EventLoop.Current.CreateFuture();
            _waiters.Add((condition, held));
            await held;
        }
    }

    public Coroutine Completed() => Until(() => IsLost);

    private void Note(string call)
    {
        Calls.Add(call);
        Wake();
    }

    private void Wake() => _waiters.RemoveAll(waiter => waiter.Condition() && waiter.Held.TrySetResult());
}

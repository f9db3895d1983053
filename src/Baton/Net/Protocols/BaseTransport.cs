using System.Net;

namespace Baton;

/// <summary>What transports have in common: how they close, how they fail, and the flow control of what they send.</summary>
/// <remarks>
/// The life of a transport: open; closing, where it receives nothing more and may have something queued; lost, from when the call of
/// <see cref="IProtocol.ConnectionLost"/> stands in the ready queue, or is made, on.
/// </remarks>
internal abstract class BaseTransport(EventLoop loop) : ITransport
{
    private const int LostWritesToWarn = 5;

    private WriteLimits _limits = new();
    private Exception? _failure;
    private int _lostWrites;

    public EventLoop Loop { get; } = loop;

    public abstract IProtocol Protocol { get; set; }

    public abstract EndPoint? LocalEndPoint { get; }

    public abstract EndPoint? RemoteEndPoint { get; }

    public abstract nint Handle { get; }

    public abstract long WriteBufferSize { get; }

    public bool IsClosing { get; private set; }

    public (int Low, int High) WriteBufferLimits => (_limits.Low, _limits.High);

    /// <summary>Whether the protocol has been told of the end, or is about to be.</summary>
    protected bool IsLost { get; private set; }

    public void SetWriteBufferLimits(int? high = null, int? low = null)
    {
        Loop.CheckThread();
        _limits.Set(high, low);
        PauseIfFull();
    }

    public void Close()
    {
        Loop.CheckThread();
        if (IsClosing)
        {
            return;
        }

        IsClosing = true;
        StopReceiving();
        if (!HasOutput)
        {
            LoseSoon(null);
        }
    }

    public void Abort()
    {
        Loop.CheckThread();
        ForceClose(null);
    }

    /// <summary>Says that a call of the protocol failed, which is of no consequence for the connection.</summary>
    internal void Report(string call, Exception exception) => Loop.ReportException(
        $"{call} of {Protocol.GetType().Name} failed, of the {this}", exception, source: this);

    /// <summary>Whether there is something left to send before a close.</summary>
    protected virtual bool HasOutput => WriteBufferSize > 0;

    /// <summary>Whether a write comes too late.</summary>
    protected virtual bool DropsWrites => IsLost;

    /// <summary>Stops receiving for good.</summary>
    protected abstract void StopReceiving();

    /// <summary>Drops what is queued, and with it the connection.</summary>
    protected abstract void Drop();

    /// <summary>Closes the connection once the protocol has been told.</summary>
    protected abstract void Release();

    /// <summary>Counts a write that comes too late. False when it does not.</summary>
    protected bool IsTooLate()
    {
        if (!DropsWrites)
        {
            return false;
        }

        if (++_lostWrites >= LostWritesToWarn)
        {
            Loop.Warn(new LoopWarning(
                LoopWarningKind.LostWrites,
                $"{_lostWrites} writes to the {this} were dropped, because the connection is lost. Stop writing when ConnectionLost is called, or IsClosing is true.")
            {
                Source = this,
            });
        }

        return true;
    }

    /// <summary>Tells the protocol to stop writing where too much is queued.</summary>
    protected void PauseIfFull() => _limits.Pause(this, WriteBufferSize);

    /// <summary>Whether there is something to be done by <see cref="OnOutputMoved"/>.</summary>
    protected bool IsOutputDue => _limits.MustResume(WriteBufferSize) || (IsClosing && !IsLost && !HasOutput);

    /// <summary>Less is queued than before: lets the protocol go on, and ends a close that waited for it. Called from a callback.</summary>
    protected void OnOutputMoved()
    {
        if (IsLost)
        {
            return;
        }

        _limits.Resume(this, WriteBufferSize);
        if (IsClosing && !IsLost && !HasOutput)
        {
            IsLost = true;
            Lose();
        }
    }

    /// <summary>The connection failed, which is nobody's mistake: the protocol is told, and nobody else outside of debug mode.</summary>
    protected void FailConnection(Exception exception)
    {
        if (Loop.IsDebug)
        {
            LoopLog.TransportFailed(Loop.Logger, Loop.Name, ToString()!, exception);
        }

        ForceClose(exception);
    }

    /// <summary>A call of the protocol failed in a way that leaves it in no state to go on.</summary>
    protected void FailCall(string call, Exception exception)
    {
        Loop.ReportException($"{call} of {Protocol.GetType().Name} failed. The {this} has been closed", exception, source: this);
        ForceClose(exception);
    }

    protected void ForceClose(Exception? exception)
    {
        if (IsLost)
        {
            return;
        }

        if (!IsClosing)
        {
            IsClosing = true;
            StopReceiving();
        }

        LoseSoon(exception);
        Drop();
    }

    /// <summary>Ends the transport without a word to the protocol.</summary>
    protected void End()
    {
        IsClosing = true;
        IsLost = true;
    }

    private void LoseSoon(Exception? exception)
    {
        IsLost = true;
        _failure = exception;
        Loop.CallSoon(static transport => ((BaseTransport)transport!).Lose(), this);
    }

    private void Lose()
    {
        try
        {
            Protocol.ConnectionLost(_failure);
        }
        catch (Exception exception)
        {
            Report("ConnectionLost", exception);
        }
        finally
        {
            Loop.UntrackResource(this);
            Release();
        }
    }
}

using System.Net.Sockets;

namespace Baton.Soak.Faults;

/// <summary>
/// One direction of a <see cref="FaultSocket"/>: stands for the request of whoever is above towards the socket below, and hands over how it
/// ended, perhaps later.
/// </summary>
internal sealed class FaultRequest(FaultSocket socket, EventLoop loop) : IoRequest(loop)
{
    private IoRequest? _target;
    private bool _mustBeNow;

    /// <summary>The request of whoever is above, while it is under way.</summary>
    internal IoRequest? Target => _target;

    /// <summary>Whether it is done, and nobody has been told.</summary>
    internal bool IsHeld { get; private set; }

    internal int PollsLeft { get; set; }

    /// <summary>Whether a wait for data or room is to end for no reason in some polls, unless it ends before.</summary>
    internal bool IsToEndInVain { get; private set; }

    private bool IsWait => Kind == IoOperationKind.WaitToSend || (Kind == IoOperationKind.Receive && Buffer.IsEmpty);

    /// <summary>Whether a reset ended it: then that is what to say where the socket below says that it was aborted.</summary>
    internal bool IsEndedByReset { get; set; }

    /// <summary>Takes what is asked over.</summary>
    internal void Start(IoRequest target)
    {
        _target = target;
        IsEndedByReset = false;
        Kind = target.Kind;
        Error = SocketError.Success;
        BytesTransferred = 0;
        Accepted = null;
        EndPoint = target.EndPoint;
        Buffer = target.Buffer;
        BufferCount = target.BufferCount;
        Buffers = target.Buffers;
    }

    /// <summary>The socket below has done it in the call. False where that is to be told later.</summary>
    internal bool EndAtOnce()
    {
        if (socket.Driver.Happens(socket.Driver.Plan.Delay))
        {
            Hold(briefly: false);
            return false;
        }

        HandOver();
        return true;
    }

    /// <summary>The driver below has not done it yet.</summary>
    internal void Wait()
    {
        if (IsWait && socket.Driver.Happens(socket.Driver.Plan.VainWait))
        {
            IsToEndInVain = true;
            socket.Driver.Hold(this, briefly: false);
        }
    }

    /// <summary>The time is there: it ends in vain, or has been held back long enough.</summary>
    internal void OnTime()
    {
        if (IsHeld)
        {
            Deliver();
        }
        else
        {
            // Its Finish takes it as a wait that is over.
            socket.CancelBelow(this);
        }
    }

    /// <summary>Whoever is above gives it up.</summary>
    internal void ForgetVain()
    {
        if (IsToEndInVain && !IsHeld)
        {
            IsToEndInVain = false;
            socket.Driver.Forget(this);
        }
    }

    /// <summary>The driver below has done it.</summary>
    public override void Finish()
    {
        if (IsToEndInVain)
        {
            // Either it has ended by itself, or in vain: then, too, as one that is over.
            IsToEndInVain = false;
            socket.Driver.Forget(this);
            Error = Error == SocketError.OperationAborted && !_mustBeNow && !IsEndedByReset ? SocketError.Success : Error;
        }

        if (!_mustBeNow && (IsEndedByReset || socket.Driver.Happens(socket.Driver.Plan.Delay)))
        {
            // A reset is noticed in the middle of a call, from inside which nothing may be finished.
            Hold(briefly: IsEndedByReset);
        }
        else
        {
            Deliver();
        }
    }

    /// <summary>Tells whoever is above how it ended.</summary>
    internal void Deliver()
    {
        var target = HandOver();
        target.Finish();
    }

    /// <summary>The socket is being closed: whoever waits is told now.</summary>
    internal void EndNow()
    {
        _mustBeNow = true;
        if (IsHeld)
        {
            DropAccepted();
            Deliver();
        }
    }

    /// <summary>The driver is being closed, and whoever waited with it.</summary>
    internal void Drop()
    {
        IsHeld = false;
        _target = null;
        DropAccepted();
    }

    /// <summary>Nobody awaits this: it only carries what is asked and how it ended.</summary>
    protected override bool RequestCancel(string? message) => false;

    protected override void OnResultTaken()
    {
    }

    private void Hold(bool briefly)
    {
        IsHeld = true;
        socket.Driver.Hold(this, briefly);
    }

    private void DropAccepted()
    {
        if (Accepted is { } accepted)
        {
            accepted.Dispose();
            Accepted = null;
            Error = SocketError.OperationAborted;
        }
    }

    /// <summary>Puts the outcome where whoever is above looks for it, and is free for the next request.</summary>
    private IoRequest HandOver()
    {
        var target = _target!;
        if (IsHeld)
        {
            IsHeld = false;
            socket.Driver.Forget(this);
        }

        IsToEndInVain = false;
        _target = null;
        _mustBeNow = false;
        target.Error = Error == SocketError.OperationAborted && IsEndedByReset ? socket.TakeResetError(target) : Error;
        target.BytesTransferred = BytesTransferred;
        if (Accepted is { } accepted)
        {
            target.Accepted = new FaultSocket(socket.Driver, accepted, isConnected: true);
        }
        else if (Kind == IoOperationKind.Accept)
        {
            target.Accepted = null;
        }

        if (Kind == IoOperationKind.Connect && Error == SocketError.Success)
        {
            socket.OnConnected();
        }

        Accepted = null;
        Buffer = default;
        EndPoint = null;
        return target;
    }
}

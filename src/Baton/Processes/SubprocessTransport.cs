using System.Runtime.InteropServices;

namespace Baton;

/// <summary>
/// Calls a protocol with what a child does. As asyncio's: what happens before the pipes are connected is kept, and told then.
/// </summary>
internal sealed class SubprocessTransport : ISubprocessTransport
{
    private readonly PipeProtocol?[] _pipes = new PipeProtocol?[3];
    private readonly Future _made;
    private ISubprocessProtocol _protocol;
    private Queue<Action>? _early = new();
    private int _connecting;
    private bool _isFinished;

    internal SubprocessTransport(ChildProcess child, ISubprocessProtocol protocol)
    {
        Child = child;
        _protocol = protocol;
        _made = Loop.CreateFuture();
        child.Reaper.Ended = () => Loop.CallSoon(static transport => ((SubprocessTransport)transport!).OnExited(), this);
        Loop.UntrackResource(child);
        Loop.TrackResource(this, static transport => transport is SubprocessTransport { IsClosing: false, Child.HasExited: false });
        Connect(0, child.StandardInput);
        Connect(1, child.StandardOutput);
        Connect(2, child.StandardError);
        if (_connecting == 0)
        {
            Loop.CallSoon(static transport => ((SubprocessTransport)transport!).OnConnected(), this);
        }
    }

    public EventLoop Loop => Child.Loop;

    public ChildProcess Child { get; }

    public ISubprocessProtocol Protocol
    {
        get => _protocol;
        set
        {
            Loop.CheckThread();
            ArgumentNullException.ThrowIfNull(value);
            _protocol = value;
        }
    }

    public int Id => Child.Id;

    public int? ExitCode => Child.ExitCode;

    public bool IsClosing { get; private set; }

    /// <summary>Completed when the protocol has been told of the child.</summary>
    internal Future Made => _made;

    public IStreamTransport? GetPipeTransport(int descriptor) => descriptor is >= 0 and < 3 ? _pipes[descriptor]?.Transport : null;

    public void SendSignal(PosixSignal signal) => Child.SendSignal(signal);

    public void Terminate() => Child.Terminate();

    public void Kill() => Child.Kill();

    public void Close()
    {
        Loop.CheckThread();
        if (IsClosing)
        {
            return;
        }

        IsClosing = true;
        Loop.UntrackResource(this);
        foreach (var pipe in _pipes)
        {
            pipe?.Transport.Close();
        }

        // One that runs as another user runs on.
        Child.Reaper.TryKill();
    }

    /// <inheritdoc/>
    public override string ToString() => $"transport of {Child}{(_isFinished ? ", closed" : IsClosing ? ", closing" : "")}";

    private void Connect(int descriptor, Connection? connection)
    {
        if (connection is not null)
        {
            _connecting++;
            var pipe = new PipeProtocol(this, descriptor);
            _pipes[descriptor] = pipe;
            pipe.Transport = StreamTransport.Start(connection, pipe, made: null);
        }
    }

    private void OnPipeConnected()
    {
        if (--_connecting == 0)
        {
            OnConnected();
        }
    }

    private void OnConnected() => Loop.CallSoon(static transport => ((SubprocessTransport)transport!).TellEarly(), this);

    /// <summary>
    /// Tells the protocol of the child, and then of all that has happened before. What happens meanwhile comes after that.
    /// </summary>
    private void TellEarly()
    {
        CallProtocol(nameof(ISubprocessProtocol.ConnectionMade), () => _protocol.ConnectionMade(this));
        var early = _early!;
        while (early.TryDequeue(out var call))
        {
            call();
        }

        _early = null;
        _made.TrySetResult();
    }

    /// <summary>Has something told in its turn.</summary>
    private void Tell(Action call)
    {
        if (_early is { } early)
        {
            early.Enqueue(call);
        }
        else
        {
            Loop.CallSoon(call);
        }
    }

    private void OnData(int descriptor, ReadOnlySpan<byte> data)
    {
        if (_early is null)
        {
            TellData(descriptor, data);
        }
        else
        {
            var copy = data.ToArray();
            Tell(() => TellData(descriptor, copy));
        }
    }

    private void TellData(int descriptor, ReadOnlySpan<byte> data)
    {
        try
        {
            _protocol.PipeDataReceived(descriptor, data);
        }
        catch (Exception exception)
        {
            Report(nameof(ISubprocessProtocol.PipeDataReceived), exception);
        }
    }

    private void OnPipeLost(int descriptor, Exception? exception)
    {
        Tell(() => CallProtocol(
            nameof(ISubprocessProtocol.PipeConnectionLost), () => _protocol.PipeConnectionLost(descriptor, exception)));
        FinishIfOver();
    }

    private void OnExited()
    {
        Tell(() => CallProtocol(nameof(ISubprocessProtocol.ProcessExited), () => _protocol.ProcessExited()));
        FinishIfOver();
    }

    private void FinishIfOver()
    {
        if (_isFinished || !Child.HasExited || Array.Exists(_pipes, static pipe => pipe is { IsLost: false }))
        {
            return;
        }

        _isFinished = true;
        Tell(() =>
        {
            CallProtocol(nameof(IProtocol.ConnectionLost), () => _protocol.ConnectionLost(null));
            Loop.UntrackResource(this);
            Child.Dispose();
        });
    }

    private void CallProtocol(string name, Action call)
    {
        try
        {
            call();
        }
        catch (Exception exception)
        {
            Report(name, exception);
        }
    }

    private void Report(string call, Exception exception) =>
        Loop.ReportException($"{call} of {_protocol.GetType().Name} failed, of the {this}", exception, source: this);

    /// <summary>What one pipe calls.</summary>
    private sealed class PipeProtocol(SubprocessTransport owner, int descriptor) : Protocol
    {
        internal StreamTransport Transport { get; set; } = null!;

        internal bool IsLost { get; private set; }

        public override void ConnectionMade(IStreamTransport transport) => owner.OnPipeConnected();

        public override void DataReceived(ReadOnlySpan<byte> data) => owner.OnData(descriptor, data);

        public override void ConnectionLost(Exception? exception)
        {
            IsLost = true;
            owner.OnPipeLost(descriptor, exception);
        }

        // The transport that asks reports what these throw.
        public override void PauseWriting() => owner._protocol.PauseWriting();

        public override void ResumeWriting() => owner._protocol.ResumeWriting();
    }
}

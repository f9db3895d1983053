using System.Net;

namespace Baton;

/// <summary>One connect for somebody who may be on any thread, and who may give up while it is under way.</summary>
internal sealed class StreamConnector(EventLoop loop, ConnectOptions? options) : LoopCall(loop)
{
    // Continuations run where the connection was made: whoever asked goes on on the loop's thread.
    private readonly TaskCompletionSource<Stream> _outcome = new();
    private CancellationTokenRegistration _registration;
    private DnsEndPoint? _endPoint;
    private CancellationToken _cancellationToken;
    private LoopTask<Connection>? _task;

    internal Task<Stream> ConnectAsync(DnsEndPoint endPoint, CancellationToken cancellationToken)
    {
        _endPoint = endPoint;
        _cancellationToken = cancellationToken;
        if (Loop.IsOnLoopThread)
        {
            Begin();
        }
        else
        {
            Post();
        }

        return _outcome.Task;
    }

    protected override void Start()
    {
        if (_cancellationToken.IsCancellationRequested)
        {
            End();
            _outcome.TrySetCanceled(_cancellationToken);
            return;
        }

        _task = Loop.CreateTask(
            Connection.ConnectAsync(_endPoint!.Host, _endPoint.Port, options), $"connect to {_endPoint.Host}:{_endPoint.Port}");
        _task.AddDoneCallback(_ => Finish());
        _registration = _cancellationToken.UnsafeRegister(static connector => ((StreamConnector)connector!).RequestCancel(), this);
    }

    private void RequestCancel()
    {
        try
        {
            Loop.CallSoonThreadSafe(static connector => ((StreamConnector)connector!)._task!.Cancel(), this);
        }
        catch (InvalidOperationException)
        {
            // The loop has closed, and with it the attempt ended.
        }
    }

    protected override void Abandon(Exception failure)
    {
        _registration.Dispose();
        _outcome.TrySetException(failure);
    }

    private void Finish()
    {
        End();
        _registration.Dispose();
        var context = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        try
        {
            if (_task!.IsCancelled)
            {
                _outcome.TrySetCanceled(_cancellationToken);
            }
            else if (_task.GetException() is { } exception)
            {
                _outcome.TrySetException(exception);
            }
            else
            {
                // Where the caller's token was cancelled in the meantime, it disposes of the stream: HttpClient keeps the connection for
                // the next request.
                var connection = _task.GetResult();
                Loop.HttpConnections.Add(connection);
                _outcome.TrySetResult(connection.AsStream());
            }
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }
}

namespace Baton;

// The end of accepting, and the word of it to the handlers.
public sealed partial class Server
{
    private CancellationTokenSource? _stopping;
    private bool _takesQueued;

    /// <summary>
    /// Cancelled when the server stops accepting, for handlers to pass to the reads that wait for the next request: what is idle then ends
    /// at once, and not only when <see cref="ShutdownAsync"/> has run out of patience. <see cref="Connection.WaitForRequestAsync"/> does
    /// that. Callbacks of the token run inside <see cref="StopAccepting"/>.
    /// </summary>
    public CancellationToken Stopping =>
        _isStopped && _stopping is null ? new CancellationToken(canceled: true) : (_stopping ??= new CancellationTokenSource()).Token;

    /// <param name="takesQueued">
    /// Whether to serve what the system has connected already. To close a listening socket resets those clients, who have been told that
    /// they are connected.
    /// </param>
    private void Stop(bool takesQueued)
    {
        Loop.CheckThread();
        if (_isStopped)
        {
            _takesQueued &= takesQueued;
            return;
        }

        _isStopped = true;
        _takesQueued = takesQueued;
        Loop.UntrackResource(this);
        for (var i = 0; i < _listeners.Count; i++)
        {
            var listener = _listeners[i];
            if (_isStarted && !(takesQueued && listener.IsAccepting))
            {
                _acceptLoops[i].Cancel();
            }

            if (takesQueued)
            {
                if (_isStarted)
                {
                    TakeQueued(listener);
                }

                // The accept loop may be about to fetch one more.
                listener.StopListening();
            }
            else
            {
                listener.Dispose();
            }
        }

        TellHandlers();
        NotifyIfClosed();
    }

    /// <summary>
    /// Takes from a listener's queue what can have been in it when the server was told to stop, and no more: there may be a flood.
    /// </summary>
    private void TakeQueued(LoopSocket listener)
    {
        for (var i = 0; i <= _options.Backlog; i++)
        {
            if (listener.Io.TryAccept(out var error) is { } accepted)
            {
                Serve(new LoopSocket(Loop, accepted));
            }
            else if (error == System.Net.Sockets.SocketError.WouldBlock)
            {
                return;
            }
            else if (IsExhausted(error))
            {
                Loop.ReportException(
                    $"{this} stops, and cannot accept the connections that are waiting: they are lost",
                    Drivers.SocketFailure.Create(error, "Accepting"),
                    LoopTask.Current,
                    this);
                return;
            }
        }
    }

    private void TellHandlers()
    {
        try
        {
            _stopping?.Cancel();
        }
        catch (AggregateException exception)
        {
            Loop.ReportException(
                $"A callback that was registered with {nameof(Server)}.{nameof(Stopping)} failed", exception, LoopTask.Current, this);
        }
    }
}

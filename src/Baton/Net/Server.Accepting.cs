using System.Net;
using System.Net.Sockets;

namespace Baton;

// Accepting connections, and serving each.
public sealed partial class Server
{
    /// <summary>How long a server that is out of descriptors or memory leaves its listeners alone.</summary>
    private static readonly TimeSpan ExhaustedDelay = TimeSpan.FromSeconds(1);

    // Accept loops and handlers start eagerly: a task that is cancelled before its first step never runs, and would leave its socket
    // behind.
    private void StartAccepting()
    {
        _isStarted = true;
        InContext(static (server, _) => server.StartAcceptLoops(), null);
    }

    /// <summary>Handlers see what held when the server was made, whoever has it serve, or ends and so makes room for the next.</summary>
    private void InContext(Action<Server, LoopSocket?> action, LoopSocket? socket)
    {
        if (_context is null || ReferenceEquals(ExecutionContext.Capture(), _context))
        {
            action(this, socket);
        }
        else
        {
            ExecutionContext.Run(_context, _ => action(this, socket), null);
        }
    }

    private void StartAcceptLoops()
    {
        for (var i = 0; i < _listeners.Count; i++)
        {
            _acceptLoopCount++;
            _acceptLoops.Add(Loop.CreateTask(AcceptAsync(_listeners[i], EndPoints[i]), $"accept at {EndPoints[i]}", eager: true));
        }
    }

    private async Coroutine AcceptAsync(LoopSocket listener, EndPoint endPoint)
    {
        var isReported = false;
        try
        {
            while (!_isStopped)
            {
                if (IsFull)
                {
                    await (_room ??= Loop.CreateFuture());
                    continue;
                }

                LoopSocket? socket = null;
                SocketException? failure = null;
                try
                {
                    socket = await listener.AcceptAsync();
                }
                catch (SocketException exception)
                {
                    failure = exception;
                }

                if (socket is not null)
                {
                    isReported = false;
                    Serve(socket);
                }
                else if (!_isStopped && IsExhausted(failure!.SocketErrorCode))
                {
                    // Once an episode: the system stays exhausted for as long as it likes.
                    if (!isReported)
                    {
                        isReported = true;
                        Loop.ReportException(
                            $"Cannot accept connections at {endPoint} for now; trying again every {ExhaustedDelay.TotalSeconds} s",
                            failure,
                            LoopTask.Current,
                            this);
                    }

                    await Coroutine.Sleep(ExhaustedDelay);
                }
                else
                {
                    if (!_isStopped)
                    {
                        LoopLog.AcceptFailed(Loop.Logger, Loop.Name, ToString(), failure!);
                    }

                    // The peer of one connection gave up before it was accepted, or its network failed: that is nobody else's concern.
                    await Coroutine.Yield();
                }
            }
        }
        finally
        {
            listener.Dispose();
            _acceptLoopCount--;
            NotifyIfClosed();
        }
    }

    private static bool IsExhausted(SocketError error) => error
        is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable or SocketError.SocketError or SocketError.InvalidArgument
        or SocketError.AccessDenied or SocketError.NotSocket or SocketError.OperationNotSupported;

    private void Serve(LoopSocket socket)
    {
        if (_isStopped && !_takesQueued)
        {
            socket.Dispose();
            return;
        }

        AcceptedCount++;
        if (IsFull || _waiting.Count > 0)
        {
            // Accepted at another of the listeners meanwhile, or on the way to the end.
            _waiting.Enqueue(socket);
        }
        else
        {
            StartHandler(socket);
        }
    }

    private void StartHandler(LoopSocket socket)
    {
        if (_handOver?.TryTake(socket) != true)
        {
            InContext(static (server, socket) => server.StartHandlerHere(socket!), socket);
        }
    }

    private void StartHandlerHere(LoopSocket socket)
    {
        // The socket has inherited TCP_NODELAY from the listener.
        var client = new ServerConnection(new Connection(socket, setNoDelay: false) { Server = this });
        client.Next = _connections;
        if (_connections is not null)
        {
            _connections.Previous = client;
        }

        _connections = client;
        ConnectionCount++;
        Loop.CreateTask(ServeAsync(client), name: null, eager: true);
    }

    private async Coroutine ServeAsync(ServerConnection client)
    {
        var connection = client.Connection;
        var task = LoopTask.Current!;
        client.Task = task;
        try
        {
            if (_options.Tls is { } tls)
            {
                await connection.UpgradeToTlsAsync(tls, _options.TlsHandshakeTimeout, _options.TlsShutdownTimeout);
            }

            await _handler(connection);
            if (connection.Transport is { } transport)
            {
                // The handler has left it to a protocol, which closes it.
                client.Task = null;
                transport.OnReleased(() => Remove(client));
                return;
            }

            await connection.CloseAsync();
        }
        catch (OperationCanceledException exception) when (exception is CancelledException || task.CancelRequests > 0)
        {
            // Closed below, in silence.
        }
        catch (IOException) when (client.IsClosedByServer)
        {
            // Whoever closed it knows.
        }
        catch (TlsHandshakeException exception) when (connection.Tls is null)
        {
            // Whoever knocks at the port can bring this about: no concern of the exception handler's.
            FailedHandshakeCount++;
            LoopLog.HandshakeFailed(Loop.Logger, Loop.Name, ToString(), exception);
        }
        catch (Exception exception)
        {
            client.Abort();
            Loop.ReportException($"The handler of a connection failed. The {connection} has been closed", exception, task, connection);
        }
        finally
        {
            if (client.Task is not null)
            {
                connection.Dispose();
                Remove(client);
            }
        }
    }

    private void Remove(ServerConnection client)
    {
        if (client.Previous is null)
        {
            _connections = client.Next;
        }
        else
        {
            client.Previous.Next = client.Next;
        }

        if (client.Next is not null)
        {
            client.Next.Previous = client.Previous;
        }

        ConnectionCount--;
        GiveBack();
        ServeWaiting();
        NotifyIfClosed();
    }
}

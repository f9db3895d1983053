namespace Baton;

/// <summary>One of the loops of an <see cref="EventLoopGroup"/>, and what the group has it do. Its state belongs to that loop.</summary>
internal sealed class GroupMember(EventLoopThread thread)
{
    private readonly List<Server> _servers = [];
    private int _running;
    private bool _isStopping;
    private Future? _idle;

    internal EventLoopThread Thread => thread;

    internal EventLoop Loop => thread.Loop;

    /// <summary>Runs what the group was asked to run here, and counts it.</summary>
    internal async Coroutine<TResult> Run<TResult>(Func<EventLoop, Coroutine<TResult>> function)
    {
        if (_isStopping)
        {
            throw Refuse("calls");
        }

        _running++;
        try
        {
            return await function(Loop);
        }
        finally
        {
            _running--;
            if (_running == 0)
            {
                _idle?.TrySetResult();
            }
        }
    }

    /// <summary>Has the server end with the group.</summary>
    /// <exception cref="InvalidOperationException">The group is being shut down.</exception>
    internal void Add(Server server)
    {
        if (_isStopping)
        {
            throw Refuse("servers");
        }

        _servers.RemoveAll(static server => server.IsClosed);
        _servers.Add(server);
    }

    private InvalidOperationException Refuse(string what) =>
        new($"Event loop '{Loop.Name}' belongs to a group that is being shut down, and takes no more {what} of it.");

    /// <summary>Takes no more calls, and ends when those that run have ended, or the time is over, and the servers have been shut
    /// down.</summary>
    internal async Coroutine DrainAsync(TimeSpan grace)
    {
        _isStopping = true;
        var servers = _servers.Where(server => !server.IsClosed).Select(server => Loop.CreateTask(server.ShutdownAsync(grace))).ToList();
        _idle ??= Loop.CreateFuture();
        if (_running == 0)
        {
            _idle.TrySetResult();
        }

        var idle = _idle;
        var timer = grace == Timeout.InfiniteTimeSpan
            ? default
            : Loop.CallLater(grace, static idle => ((Future)idle!).TrySetResult(), idle);
        try
        {
            await idle;
            foreach (var server in servers)
            {
                await server;
            }
        }
        finally
        {
            timer.Cancel();
        }
    }
}

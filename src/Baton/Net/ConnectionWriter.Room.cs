namespace Baton;

// Waiting for room in the system on behalf of what goes past the queue.
internal sealed partial class ConnectionWriter
{
    private List<Future>? _roomWaiters;

    /// <summary>
    /// Waits until the system has room again, or the connection is closed. Writes of others queue up meanwhile. To cancel the wait leaves
    /// the queue waiting for room, and moving on by itself.
    /// </summary>
    internal async Coroutine WaitForRoom()
    {
        if (_request is not { IsInFlight: true } && SubmitDone(Prepare(IoOperationKind.WaitToSend)))
        {
            return;
        }

        // A future for each: to cancel one wait must not end the others.
        var room = Connection.Loop.CreateFuture();
        (_roomWaiters ??= []).Add(room);
        await room;
    }

    private void EndWaitsForRoom()
    {
        _fileTurn?.Room?.End();
        if (_roomWaiters is not { } waiters)
        {
            return;
        }

        _roomWaiters = null;
        foreach (var room in waiters)
        {
            room.TrySetResult();
        }
    }
}

using System.Net.Sockets;

namespace Baton;

// While a file is being sent nobody else may write: it goes past the queue, which is empty.
internal sealed partial class ConnectionWriter
{
    private FileTurn? _fileTurn;

    /// <summary>Whether a file is being sent.</summary>
    internal bool IsSendingFile => _fileTurn is { IsOn: true };

    /// <summary>Has the output to oneself until <see cref="EndFile"/>.</summary>
    /// <exception cref="InvalidOperationException">Nothing may be written.</exception>
    /// <exception cref="IOException">Nothing can be sent any more.</exception>
    internal void BeginFile()
    {
        CheckCanWrite();
        ForgetRequestedBlock();
        CheckNotFailed();
        MarkFlushed();
        (_fileTurn ??= new FileTurn()).IsOn = true;
    }

    internal void EndFile()
    {
        if (_fileTurn is not { } turn)
        {
            return;
        }

        turn.IsOn = false;
        if (turn.EndWaiters is { } waiters)
        {
            turn.EndWaiters = null;
            foreach (var waiter in waiters)
            {
                waiter.TrySetResult();
            }
        }
    }

    /// <summary>Waits until the file that is being sent has been, or has not.</summary>
    internal async Coroutine WaitForFileEnd()
    {
        if (_fileTurn is { IsOn: true } turn)
        {
            var end = Connection.Loop.CreateFuture();
            (turn.EndWaiters ??= []).Add(end);
            await end;
        }
    }

    /// <exception cref="IOException">Nothing can be sent any more.</exception>
    internal void CheckNotFailed()
    {
        if (HasFailed)
        {
            throw CreateFailure();
        }
    }

    /// <summary>Waits until what was written before has been taken.</summary>
    internal ValueTask WaitForQueue() => WaitUntilTaken(CancellationToken.None)?.AsVoid() ?? default;

    /// <summary>Writes a block of the file, by the queue.</summary>
    internal ValueTask WriteFile(ReadOnlyMemory<byte> block) => WriteUnchecked(block, CancellationToken.None)?.AsVoid() ?? default;

    /// <summary>As <see cref="WaitForRoom"/>, without a future.</summary>
    internal ValueTask WaitForFileRoom()
    {
        if (_request is not { IsInFlight: true } && SubmitDone(Prepare(IoOperationKind.WaitToSend)))
        {
            return default;
        }

        return (_fileTurn!.Room ??= new RoomWait(Connection)).Start();
    }

    /// <summary>The system could not send.</summary>
    internal IOException FailFile(SocketError error)
    {
        Fail(error);
        return CreateFailure();
    }

    /// <summary>A part of a file was sent, and the rest will not be: what follows would not make sense to the peer.</summary>
    internal void BreakOff()
    {
        if (HasFailed)
        {
            return;
        }

        _isBroken = true;
        if (_request is { IsInFlight: true } request)
        {
            _io.Cancel(request);
        }
        else
        {
            DropAll();
        }
    }

    /// <summary>What only a connection that sends files takes.</summary>
    private sealed class FileTurn
    {
        internal bool IsOn;
        internal RoomWait? Room;
        internal List<Future>? EndWaiters;
    }
}

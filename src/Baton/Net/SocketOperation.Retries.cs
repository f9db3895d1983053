using System.Net.Sockets;

namespace Baton;

// A datagram to a local socket that has no room for it. The system tells a sender that is not connected when one of its own datagrams has
// been taken. It tells nothing when the queue is full of those of others: then nothing helps but to ask again now and then.
internal sealed partial class SocketOperation
{
    private static readonly TimeSpan FirstRetryDelay = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan LastRetryDelay = TimeSpan.FromMilliseconds(16);

    private TimeSpan _retryDelay;
    private TimerHandle _retry;
    private bool _isRetry;

    private void ScheduleRetry()
    {
        if (Kind != IoOperationKind.WaitToSend || socket.AddressFamily != AddressFamily.Unix)
        {
            return;
        }

        _retry = Loop.CallLater(_retryDelay, static operation => ((SocketOperation)operation!).Retry(), this);
        _retryDelay = _retryDelay < LastRetryDelay ? _retryDelay * 2 : LastRetryDelay;
    }

    /// <summary>Ends the wait, now or later, so that the send is tried again.</summary>
    private void Retry()
    {
        _isRetry = true;
        socket.Io.Cancel(this);
    }

    private void EndRetry()
    {
        _retry.Cancel();
        if (_isRetry)
        {
            _isRetry = false;
            if (Error == SocketError.OperationAborted && !_isCancelled && socket.Handle >= 0)
            {
                Error = SocketError.Success;
            }
        }
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Baton.Drivers;

/// <summary>
/// Waits for room to send. The BCL has no such wait: it is the send of a single byte, the first of those that did not fit. One byte is sent
/// or is not, so that after a cancellation, which unlike the other waits this one has to wait for, nobody is in doubt about how much was
/// sent.
/// </summary>
internal sealed class PortableSendWait : IPortableCompletion
{
    private readonly PortableDriver _driver;
    private readonly PortableSocket _socket;
    private readonly byte[] _byte = new byte[1];
    private readonly Action _onCompleted;
    private CancellationTokenSource? _cancellation;
    private ConfiguredValueTaskAwaitable<int>.ConfiguredValueTaskAwaiter _sending;

    internal PortableSendWait(PortableDriver driver, PortableSocket socket)
    {
        _driver = driver;
        _socket = socket;
        _onCompleted = () => _driver.Post(this);
    }

    public IPortableCompletion? Next { get; set; }

    /// <summary>Whether the byte is on its way and its outcome not taken.</summary>
    internal bool IsInFlight { get; private set; }

    /// <summary>Whether the outcome does not depend on the peer any more.</summary>
    internal bool IsCancelled => _cancellation is { IsCancellationRequested: true };

    public void Deliver()
    {
        var error = TakeOutcome();
        _socket.OnRoom(error);
    }

    public void Abandon()
    {
        TakeOutcome();
        _driver.OnAbandoned();
    }

    /// <summary>Starts to send the byte.</summary>
    /// <returns>False where the outcome is there already.</returns>
    [SuppressMessage("Reliability", "CA2012", Justification = "The awaiter is kept for the one who takes its outcome, once.")]
    internal bool Start(Socket socket, byte first, out SocketError error)
    {
        error = SocketError.Success;
        _byte[0] = first;
        _cancellation ??= new CancellationTokenSource();
        _sending = socket.SendAsync(_byte.AsMemory(), SocketFlags.None, _cancellation.Token).ConfigureAwait(false).GetAwaiter();
        if (_sending.IsCompleted)
        {
            error = TakeOutcome();
            return false;
        }

        IsInFlight = true;
        _driver.OnStarted();
        _sending.UnsafeOnCompleted(_onCompleted);
        return true;
    }

    internal void Cancel() => _cancellation!.Cancel();

    private SocketError TakeOutcome()
    {
        IsInFlight = false;
        try
        {
            _sending.GetResult();
            return SocketError.Success;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode;
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException)
        {
            return SocketError.OperationAborted;
        }
        finally
        {
            _sending = default;
            if (IsCancelled)
            {
                _cancellation!.Dispose();
                _cancellation = null;
            }
        }
    }
}

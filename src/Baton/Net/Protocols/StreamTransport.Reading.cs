using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Baton;

// From the connection to the protocol.
internal sealed partial class StreamTransport
{
    /// <summary>No more than this is given to the protocol in one iteration, so that one fast peer does not starve the others.</summary>
    private const int ReadLimit = 256 * 1024;

    private readonly Action _onRead;
    private ValueTaskAwaiter<ReadResult> _read;
    private bool _isReadPending;
    private bool _isStarted;
    private bool _isPaused;
    private bool _isEnded;
    private bool _isPumpDue;
    private bool _isDelivering;

    public bool IsReading => !IsClosing && !_isPaused;

    /// <summary>Whether the protocol may be called with what arrives.</summary>
    private bool MayDeliver => _isStarted && !_isEnded && IsReading;

    public void PauseReading()
    {
        Loop.CheckThread();
        if (IsReading)
        {
            _isPaused = true;
            CancelRead();
        }
    }

    public void ResumeReading()
    {
        Loop.CheckThread();
        if (!IsClosing && _isPaused)
        {
            _isPaused = false;
            PumpSoon();
        }
    }

    protected override void StopReceiving() => CancelRead();

    private void StartReading()
    {
        _isStarted = true;
        Pump();
    }

    /// <summary>
    /// Pauses, and waits until the connection's input is free: no read waits any more, and no call of the protocol looks at its buffer.
    /// </summary>
    /// <returns>Whether it was paused before.</returns>
    /// <exception cref="InvalidOperationException">The transport is closing.</exception>
    private async Coroutine<bool> QuietenAsync()
    {
        Loop.CheckThread();
        CheckOpen();
        var wasPaused = _isPaused;
        PauseReading();
        try
        {
            while (_isReadPending || _isDelivering)
            {
                await Coroutine.Yield();
            }

            CheckOpen();
            return wasPaused;
        }
        catch
        {
            if (!wasPaused)
            {
                ResumeReading();
            }

            throw;
        }
    }

    private void CheckOpen()
    {
        if (IsClosing)
        {
            throw new InvalidOperationException($"The {this} is closing: there is no connection to go on with.");
        }
    }

    /// <summary>Ends a read that waits. It consumes nothing, so that nothing is lost.</summary>
    private void CancelRead()
    {
        if (_isReadPending)
        {
            Connection.Input.CancelPendingRead();
        }
    }

    /// <summary>Reads on in the next iteration: outside of any task, whoever asked for it.</summary>
    private void PumpSoon()
    {
        if (!_isPumpDue && !_isReadPending)
        {
            _isPumpDue = true;
            Loop.CallSoon(
                static state =>
                {
                    var transport = (StreamTransport)state!;
                    transport._isPumpDue = false;
                    transport.Pump();
                },
                this);
        }
    }

    private void OnRead()
    {
        var read = _read;
        _read = default;
        _isReadPending = false;
        if (TryTake(read, out var count))
        {
            Pump(count);
        }
    }

    private void Pump(int delivered = 0)
    {
        while (MayDeliver && !_isReadPending)
        {
            if (delivered >= ReadLimit)
            {
                PumpSoon();
                return;
            }

            var read = AwaiterOf(Connection.Input.ReadAsync());
            if (!read.IsCompleted)
            {
                _read = read;
                _isReadPending = true;
                read.OnCompleted(_onRead);
                return;
            }

            if (!TryTake(read, out var count))
            {
                return;
            }

            delivered += count;
        }
    }

    private static ValueTaskAwaiter<ReadResult> AwaiterOf(ValueTask<ReadResult> read) => read.GetAwaiter();

    /// <summary>Gives the protocol what a read brought. False where there is no point in another read.</summary>
    private bool TryTake(ValueTaskAwaiter<ReadResult> read, out int delivered)
    {
        delivered = 0;
        ReadResult result;
        try
        {
            result = read.GetResult();
        }
        catch (Exception exception)
        {
            // A read that was under way when this side closed the connection fails because of that.
            if (!IsClosing)
            {
                FailConnection(exception);
            }

            return false;
        }

        var buffer = result.Buffer;
        if (!buffer.IsEmpty)
        {
            _isDelivering = true;
            var position = buffer.Start;
            while (MayDeliver && buffer.TryGet(ref position, out var segment))
            {
                if (!TryDeliver(segment.Span, ref delivered))
                {
                    break;
                }
            }

            var consumed = buffer.GetPosition(delivered);
            Connection.Input.AdvanceTo(consumed, consumed);
            _isDelivering = false;
        }

        if (result.IsCompleted && delivered == buffer.Length && MayDeliver && !result.IsCanceled)
        {
            ReceiveEof();
        }

        return true;
    }

    private bool TryDeliver(ReadOnlySpan<byte> data, ref int delivered)
    {
        var call = nameof(IStreamProtocol.DataReceived);
        try
        {
            while (!data.IsEmpty && MayDeliver)
            {
                if (_buffered is { } buffered)
                {
                    call = nameof(IBufferedProtocol.GetBuffer);
                    var buffer = buffered.GetCheckedBuffer(data.Length).Span;
                    if (!MayDeliver)
                    {
                        break;
                    }

                    var count = Math.Min(buffer.Length, data.Length);
                    data[..count].CopyTo(buffer);
                    delivered += count;
                    data = data[count..];
                    call = nameof(IBufferedProtocol.BufferUpdated);
                    buffered.BufferUpdated(count);
                }
                else
                {
                    delivered += data.Length;
                    var all = data;
                    data = default;
                    _protocol.DataReceived(all);
                }
            }
        }
        catch (Exception exception)
        {
            FailCall(call, exception);
        }

        return data.IsEmpty;
    }

    private void ReceiveEof()
    {
        _isEnded = true;
        if (Connection.Access == FileAccess.Write)
        {
            LoseReader();
            return;
        }

        bool keepOpen;
        try
        {
            keepOpen = _protocol.EofReceived();
        }
        catch (Exception exception)
        {
            FailCall(nameof(IStreamProtocol.EofReceived), exception);
            return;
        }

        // The end of what is only read from is the end of everything.
        if (!keepOpen || Connection.Access == FileAccess.Read)
        {
            Close();
        }
    }

    /// <summary>Nobody reads any more what is written here. Where everything had been taken, nothing is known to be lost.</summary>
    private void LoseReader()
    {
        if (FailIfOutputFailed())
        {
            return;
        }

        if (WriteBufferSize > 0)
        {
            FailConnection(ConnectionFailure.Create(SocketError.Shutdown, Connection, "Sending"));
        }
        else
        {
            Close();
        }
    }
}

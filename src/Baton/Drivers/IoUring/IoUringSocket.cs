using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>
/// A socket of <see cref="IoUringDriver"/>: told of its readiness, as any of Linux, unless it is a connection that may receive ahead. Then
/// the kernel receives for it, and it is told of its readiness to send only, each time that it has to wait.
/// </summary>
internal sealed partial class IoUringSocket : LinuxSocket
{
    private readonly IoUringDriver _ring;

    internal IoUringSocket(IoUringDriver driver, int descriptor, int slot, AddressFamily addressFamily, SocketType socketType)
        : base(driver, descriptor, slot, addressFamily, socketType)
    {
        _ring = driver;
    }

    /// <summary>Whether the driver waits for room for it.</summary>
    internal bool IsAwaitingRoom { get; private set; }

    /// <summary>Readiness in both directions, or why nobody watches for it any more.</summary>
    internal void OnReadiness(int result, bool isRegistered)
    {
        if (!isRegistered)
        {
            IsRegistered = false;
        }

        if (result >= 0)
        {
            OnEvents(WithoutReading((uint)result));
        }
        else if (result != -Errno.ECANCELED)
        {
            // What made it impossible to wait, the calls that are tried instead will say.
            OnEvents(WithoutReading(EpollEvents.Error));
        }

        if (!isRegistered && _descriptor >= 0 && (_writer is not null || (_reader is not null && !_isAhead)))
        {
            Rearm();
        }
    }

    /// <summary>There is room to send, or an error that a send will report.</summary>
    internal void OnRoom(int result)
    {
        IsAwaitingRoom = false;
        if (result != -Errno.ECANCELED)
        {
            OnEvents(EpollEvents.Out);
        }

        if (_writer is not null)
        {
            Rearm();
        }
    }

    /// <summary>The ring is gone with everything that was in flight; there is a new one.</summary>
    internal void OnRingLost()
    {
        IsAwaitingRoom = false;
        IsRegistered = false;
        if (IsReceiving)
        {
            OnReceivingEnded();
        }

        if (_writer is not null || (_reader is not null && !_isAhead))
        {
            Rearm();
        }

        if (_reader is not null && _isAhead)
        {
            StartReceiving();
        }
    }

    private protected override bool TryRegister(IoRequest request)
    {
        if (!_isAhead)
        {
            return base.TryRegister(request);
        }

        if (!IsAwaitingRoom && !IsRegistered)
        {
            IsAwaitingRoom = true;
            _ring.AwaitRoom(_descriptor, _slot);
        }

        return true;
    }

    private void Rearm() => TryRegister((_writer ?? _reader)!);

    /// <summary>Where the kernel receives, what there is to read is its affair.</summary>
    private uint WithoutReading(uint events) => !_isAhead
        ? events
        : (events & (EpollEvents.Out | EpollEvents.Error | EpollEvents.HangUp)) != 0 ? EpollEvents.Out : 0;
}

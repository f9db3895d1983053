using System.Net;
using System.Net.Sockets;

namespace Baton.Drivers;

// Connections for which the kernel receives, into blocks that it takes from those of all. What came before anybody asked waits here.
internal sealed partial class IoUringSocket
{
    // A reader that does not read must not hold the memory of all: with so many blocks here, the kernel is told to stop.
    private const int BlockLimit = 8;

    // Less than that is copied behind what is here already, so that a trickle does not hold a block for each of its segments.
    private const int SmallLength = 2 * 1024;

    private bool _isAhead;
    private bool _hasEnded;
    private Receiving _receiving;
    private IoBlock? _first;
    private IoBlock? _last;
    private int _start;
    private int _blockCount;

    private enum Receiving : byte
    {
        /// <summary>The kernel does not receive: calls do.</summary>
        No,

        /// <summary>The kernel receives, so that nobody else may: what it has got comes first.</summary>
        Yes,

        /// <summary>The kernel has been told to stop, and has not said yet that it has.</summary>
        Stopping,
    }

    /// <summary>Whether the kernel receives for it.</summary>
    internal bool IsReceiving => _receiving != Receiving.No;

    public override bool IsDrained => _isAhead ? _first is null && !_hasEnded && base.IsDrained : base.IsDrained;

    public override void AllowReceivingAhead()
    {
        _isAhead = _descriptor >= 0 && _ring.MayReceiveAhead && SocketType == SocketType.Stream
            && AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6;
    }

    public override bool Submit(IoRequest request)
    {
        if (!_isAhead || request.Kind != IoOperationKind.Receive || _descriptor < 0)
        {
            return base.Submit(request);
        }

        request.Error = SocketError.Success;
        request.BytesTransferred = 0;
        if (!IsDrained && (HasReceived || !request.Buffer.IsEmpty) && TryFinish(request))
        {
            return true;
        }

        _reader = request;
        StartReceiving();
        return false;
    }

    public override int TryReceive(Span<byte> buffer, out SocketError error)
    {
        if (_first is not null)
        {
            error = SocketError.Success;
            return TakeReceived(buffer);
        }

        if (_hasEnded)
        {
            error = SocketError.Success;
            return 0;
        }

        return base.TryReceive(buffer, out error);
    }

    public override IoBlock? TryReceiveLent(out SocketError error)
    {
        if (_first is null)
        {
            if (!_hasEnded)
            {
                return base.TryReceiveLent(out error);
            }

            error = SocketError.Success;
            return null;
        }

        error = SocketError.Success;
        var block = _first;
        if (_start > 0)
        {
            var left = block.Length - _start;
            block.Space.Span[_start..block.Length].CopyTo(block.Space.Span);
            block.Length = left;
            _start = 0;
        }

        RemoveFirst();
        Blocks.Lend(block);
        return block;
    }

    public override int TryReceiveFrom(Span<byte> buffer, SocketAddress? sender, out bool isTruncated, out SocketError error)
    {
        if (!_isAhead)
        {
            return base.TryReceiveFrom(buffer, sender, out isTruncated, out error);
        }

        isTruncated = false;
        sender?.Size = 0;
        return TryReceive(buffer, out error);
    }

    public override void AssumeReadable()
    {
        if (IsReceiving)
        {
            // What is there has to come by way of the kernel, to keep its order.
            _ring.Catch();
        }

        if (!IsReceiving)
        {
            base.AssumeReadable();
        }
    }

    public override SafeSocketHandle Detach()
    {
        if (_first is not null || _hasEnded)
        {
            throw new InvalidOperationException(
                "The socket cannot be given away: bytes that its connection has not read have been received from it already.");
        }

        return base.Detach();
    }

    /// <summary>The kernel has received something, or the end, or cannot go on.</summary>
    internal void OnReceived(IoBlock? block, int result, bool isReceiving)
    {
        if (block is not null)
        {
            Append(block, result);
        }
        else if (result == 0)
        {
            _hasEnded = true;
        }
        else if (result == -Errno.ENOBUFS)
        {
            if (_blockCount < BlockLimit)
            {
                _ring.ProvideMore();
            }
        }
        else if (result is -Errno.EINVAL or -Errno.EOPNOTSUPP)
        {
            _ring.OnCannotReceiveAhead();
            _isAhead = false;
        }
        else if (result is not (-Errno.ECANCELED or -Errno.EINTR or -Errno.EAGAIN))
        {
            Hold(result);
        }

        if (!isReceiving)
        {
            OnReceivingEnded();
        }
        else if (_blockCount >= BlockLimit && _receiving == Receiving.Yes)
        {
            _receiving = Receiving.Stopping;
            _ring.StopReceiving(_slot);
        }

        if (_reader is { } reader && _descriptor >= 0)
        {
            if (HasReceived || (!isReceiving && result == -Errno.ENOBUFS))
            {
                if (TryFinish(reader))
                {
                    _reader = null;
                    reader.Finish();
                    return;
                }
            }

            if (!IsReceiving)
            {
                StartReceiving();
            }
        }
    }

    /// <summary>Gives back what nobody will ask for any more.</summary>
    internal void ForgetReceived()
    {
        while (_first is not null)
        {
            var block = _first;
            RemoveFirst();
            Blocks.Unkeep(block);
        }

        _start = 0;
        _hasEnded = false;
        _isAhead = false;
        _receiving = Receiving.No;
    }

    private bool HasReceived => _first is not null || _hasEnded || HasHeldError;

    private void OnReceivingEnded()
    {
        _receiving = Receiving.No;
        base.AssumeReadable();
        if (_reader is not null && _descriptor >= 0 && !HasReceived && !_isAhead)
        {
            Rearm();
        }
    }

    /// <summary>Has the kernel receive, where it does not and there is room.</summary>
    private void StartReceiving()
    {
        if (IsReceiving || _hasEnded)
        {
            return;
        }

        var isDrained = base.IsDrained;
        MarkDrained();
        _receiving = Receiving.Yes;
        _ring.Receive(_descriptor, _slot, isDrained);
        if (!_ring.MayReceiveAhead)
        {
            _isAhead = false;
            OnReceivingEnded();
        }
    }

    /// <summary>Ends a receive with what is here. False where that is nothing.</summary>
    private bool TryFinish(IoRequest request)
    {
        if (request.Buffer.IsEmpty)
        {
            return true;
        }

        request.BytesTransferred = TryReceive(request.Buffer.Span, out var error);
        request.Error = error;
        return error != SocketError.WouldBlock;
    }

    private void Append(IoBlock block, int length)
    {
        if (length <= SmallLength && _last is { } last && last.Space.Length - last.Length >= length)
        {
            block.Space.Span[..length].CopyTo(last.Space.Span[last.Length..]);
            last.Length += length;
            Blocks.Unkeep(block);
            return;
        }

        block.Length = length;
        _blockCount++;
        if (_last is null)
        {
            _first = block;
        }
        else
        {
            _last.Append(block);
        }

        _last = block;
    }

    private int TakeReceived(Span<byte> buffer)
    {
        var taken = 0;
        while (_first is { } block && taken < buffer.Length)
        {
            var part = Math.Min(block.Length - _start, buffer.Length - taken);
            block.Space.Span.Slice(_start, part).CopyTo(buffer[taken..]);
            taken += part;
            _start += part;
            if (_start == block.Length)
            {
                RemoveFirst();
                Blocks.Unkeep(block);
            }
        }

        return taken;
    }

    private void RemoveFirst()
    {
        var block = _first!;
        _first = block.NextBlock;
        _last = _first is null ? null : _last;
        _start = 0;
        _blockCount--;
        block.Append(null);
    }
}

using System.Net.Sockets;
using Baton.Drivers;

namespace Baton.Tests;

/// <summary>
/// System calls that a test can interfere with. A hook returns null to let the call through, a negative error number to fail it, or of a
/// transfer the most bytes that it may move.
/// </summary>
public sealed partial class ScriptedCalls : LinuxSocketCalls
{
    private int _opened;
    private int _closed;

    /// <summary>Called with the descriptor and the length.</summary>
    public Func<int, int, int?>? OnReceive { get; set; }

    /// <inheritdoc cref="OnReceive"/>
    public Func<int, int, int?>? OnSend { get; set; }

    /// <summary>Called with the descriptor and the number of buffers; the most bytes count from the first buffer.</summary>
    public Func<int, int, int?>? OnSendMessage { get; set; }

    public Func<int, int?>? OnPeek { get; set; }

    public Func<int, int?>? OnAccept { get; set; }

    public Func<int, int?>? OnConnect { get; set; }

    /// <summary>The address of the last connect, as the system was given it.</summary>
    public byte[]? ConnectAddress { get; private set; }

    public Func<int, int?>? OnBind { get; set; }

    public Func<int, int?>? OnDuplicate { get; set; }

    /// <summary>Called with the descriptor, which is closed whatever this returns.</summary>
    public Func<int, int?>? OnClose { get; set; }

    /// <summary>Whether connects that succeed at once, as they do over loopback, pretend to be under way until the next poll.</summary>
    public bool ConnectsWait { get; set; }

    public Func<int?>? OnSocket { get; set; }

    public Func<int?>? OnEpollAdd { get; set; }

    /// <summary>Called with the timeout.</summary>
    public Func<long, int?>? OnWait { get; set; }

    /// <summary>The error with which the system refuses to wait for nanoseconds.</summary>
    public int? NoPreciseWait { get; set; }

    /// <summary>A clock that jumps to the next timer whenever nothing happens, instead of waiting for it.</summary>
    public VirtualClock? Clock { get; set; }

    /// <summary>Descriptors that were made and not closed.</summary>
    public int OpenDescriptors => _opened - _closed;

    public override int Socket(int family, int type, int protocol) => OnSocket?.Invoke() ?? Opened(base.Socket(family, type, protocol));

    public override int Close(int descriptor)
    {
        _closed++;
        var result = base.Close(descriptor);
        return OnClose?.Invoke(descriptor) ?? result;
    }

    public override int Receive(int descriptor, Span<byte> buffer) => OnReceive?.Invoke(descriptor, buffer.Length) switch
    {
        null => base.Receive(descriptor, buffer),
        < 0 and var error => error,
        { } most => base.Receive(descriptor, buffer[..Math.Min(most, buffer.Length)]),
    };

    public override int Peek(int descriptor) => OnPeek?.Invoke(descriptor) ?? base.Peek(descriptor);

    public override int Send(int descriptor, ReadOnlySpan<byte> buffer) => OnSend?.Invoke(descriptor, buffer.Length) switch
    {
        null => base.Send(descriptor, buffer),
        < 0 and var error => error,
        { } most => base.Send(descriptor, buffer[..Math.Min(most, buffer.Length)]),
    };

    public override int SendMessage(int descriptor, ReadOnlySpan<ReadOnlyMemory<byte>> buffers) =>
        OnSendMessage?.Invoke(descriptor, buffers.Length) switch
        {
            null => base.SendMessage(descriptor, buffers),
            < 0 and var error => error,
            { } most => base.Send(descriptor, buffers[0].Span[..Math.Min(most, buffers[0].Length)]),
        };

    public override int Accept(int descriptor, Span<byte> address, out int addressLength)
    {
        addressLength = 0;
        return OnAccept?.Invoke(descriptor) ?? Opened(base.Accept(descriptor, address, out addressLength));
    }

    public override int Bind(int descriptor, ReadOnlySpan<byte> address) => OnBind?.Invoke(descriptor) ?? base.Bind(descriptor, address);

    public override int Connect(int descriptor, ReadOnlySpan<byte> address)
    {
        ConnectAddress = address.ToArray();
        var result = OnConnect?.Invoke(descriptor) ?? base.Connect(descriptor, address);
        return result == 0 && ConnectsWait ? -Errno.EINPROGRESS : result;
    }

    public override int Duplicate(int descriptor) => OnDuplicate?.Invoke(descriptor) ?? Opened(base.Duplicate(descriptor));

    public override SafeSocketHandle HandOver(int descriptor)
    {
        _closed++;
        return base.HandOver(descriptor);
    }

    public override int EpollCreate() => Opened(base.EpollCreate());

    public override int EpollAdd(int epoll, int descriptor, uint events, ulong data) =>
        OnEpollAdd?.Invoke() ?? base.EpollAdd(epoll, descriptor, events, data);

    public override int EpollWait(int epoll, nint events, int capacity, long timeout)
    {
        if (OnWait?.Invoke(timeout) is { } result)
        {
            return result;
        }

        if (Clock is null || timeout <= 0)
        {
            return base.EpollWait(epoll, events, capacity, timeout);
        }

        // Over loopback whatever is going to happen without a timer has happened already.
        var count = base.EpollWait(epoll, events, capacity, 0);
        if (count == 0)
        {
            Clock.Advance(timeout);
        }

        return count;
    }

    protected override int EpollWaitPrecise(int epoll, nint events, int capacity, long timeout) =>
        NoPreciseWait ?? base.EpollWaitPrecise(epoll, events, capacity, timeout);

    private int Opened(int result)
    {
        if (result >= 0)
        {
            _opened++;
        }

        return result;
    }
}

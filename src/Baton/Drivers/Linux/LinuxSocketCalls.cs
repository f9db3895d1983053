using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Baton.Drivers;

/// <summary>
/// The system calls below the Linux drivers, each as one method that returns what the kernel returned, or the error number negated. Derive
/// from it to inject faults below a driver: short reads and writes, <see cref="Errno.EAGAIN"/>, <see cref="Errno.EINTR"/>, resets,
/// exhausted descriptors.
/// </summary>
/// <remarks>Nothing here retries or interprets: that is what the tests want to see the drivers do.</remarks>
public unsafe partial class LinuxSocketCalls
{
    /// <summary>Buffers that one <see cref="SendMessage"/> takes at most.</summary>
    public const int MaximumVectors = 16;

    private const int NonBlockingCloseOnExec = 0x800 | 0x80000; // SOCK_NONBLOCK | SOCK_CLOEXEC
    private const int NoSignal = 0x4000; // MSG_NOSIGNAL
    private const int EpollPwait2 = 441;

    private bool _hasNoPreciseWait;

    /// <summary>Creates a non-blocking socket that child processes do not inherit.</summary>
    /// <returns>The descriptor.</returns>
    public virtual int Socket(int family, int type, int protocol) => Result(LibC.Socket(family, type | NonBlockingCloseOnExec, protocol));

    /// <summary>Closes a descriptor. On Linux it is closed even where this is interrupted.</summary>
    public virtual int Close(int descriptor) => Result(LibC.Close(descriptor));

    /// <summary>Receives.</summary>
    /// <returns>The bytes received; 0 at the end.</returns>
    public virtual int Receive(int descriptor, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return Result(LibC.Receive(descriptor, start, (nuint)buffer.Length, 0));
        }
    }

    /// <summary>Looks whether there is something to receive, and leaves it there.</summary>
    /// <returns>1 or 0 where a receive would return at once.</returns>
    public virtual int Peek(int descriptor)
    {
        byte one;
        return Result(LibC.Receive(descriptor, &one, 1, 2));
    }

    /// <summary>Sends.</summary>
    /// <returns>The bytes taken.</returns>
    public virtual int Send(int descriptor, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return Result(LibC.Send(descriptor, start, (nuint)buffer.Length, NoSignal));
        }
    }

    /// <summary>Sends several buffers in one call; the first <see cref="MaximumVectors"/> of them.</summary>
    /// <returns>The bytes taken.</returns>
    public virtual int SendMessage(int descriptor, ReadOnlySpan<ReadOnlyMemory<byte>> buffers)
    {
        var count = Math.Min(buffers.Length, MaximumVectors);
        var vectors = stackalloc LibC.IoVector[count];
        var pins = default(Pins);
        Pin(buffers[..count], vectors, ref pins);
        var message = new LibC.MessageHeader { Vectors = vectors, VectorCount = (nuint)count };
        var result = Result(LibC.SendMessage(descriptor, &message, NoSignal));
        Unpin(ref pins, count);
        return result;
    }

    /// <summary>Accepts a connection as a non-blocking socket that child processes do not inherit.</summary>
    /// <param name="descriptor">The listening socket.</param>
    /// <param name="address">Where to put the peer's address.</param>
    /// <param name="addressLength">How long it was.</param>
    /// <returns>The descriptor.</returns>
    public virtual int Accept(int descriptor, Span<byte> address, out int addressLength)
    {
        fixed (byte* start = address)
        {
            var length = address.Length;
            var result = Result(LibC.Accept(descriptor, start, &length, NonBlockingCloseOnExec));
            addressLength = Math.Min(length, address.Length);
            return result;
        }
    }

    /// <summary>Starts to connect.</summary>
    public virtual int Connect(int descriptor, ReadOnlySpan<byte> address)
    {
        fixed (byte* start = address)
        {
            return Result(LibC.Connect(descriptor, start, address.Length));
        }
    }

    /// <summary>Binds.</summary>
    public virtual int Bind(int descriptor, ReadOnlySpan<byte> address)
    {
        fixed (byte* start = address)
        {
            return Result(LibC.Bind(descriptor, start, address.Length));
        }
    }

    /// <summary>Starts to listen.</summary>
    public virtual int Listen(int descriptor, int backlog) => Result(LibC.Listen(descriptor, backlog));

    /// <summary>Shuts down: 0 reading, 1 writing, 2 both.</summary>
    public virtual int Shutdown(int descriptor, int how) => Result(LibC.Shutdown(descriptor, how));

    /// <summary>Reads this end's address, or the peer's.</summary>
    public virtual int GetName(int descriptor, bool peer, Span<byte> address, out int addressLength)
    {
        fixed (byte* start = address)
        {
            var length = address.Length;
            var result = Result(peer ? LibC.GetPeerName(descriptor, start, &length) : LibC.GetSocketName(descriptor, start, &length));
            addressLength = Math.Min(length, address.Length);
            return result;
        }
    }

    /// <summary>Sets an option, by Linux's numbers.</summary>
    public virtual int SetOption(int descriptor, int level, int name, ReadOnlySpan<byte> value)
    {
        fixed (byte* start = value)
        {
            return Result(LibC.SetSocketOption(descriptor, level, name, start, value.Length));
        }
    }

    /// <summary>Reads an option that is an integer, by Linux's numbers.</summary>
    public virtual int GetOption(int descriptor, int level, int name, out int value)
    {
        var read = 0;
        var length = sizeof(int);
        var result = Result(LibC.GetSocketOption(descriptor, level, name, &read, &length));
        value = read;
        return result;
    }

    /// <summary>Creates an epoll instance.</summary>
    /// <returns>The descriptor.</returns>
    public virtual int EpollCreate() => Result(LibC.EpollCreate(0x80000));

    /// <summary>Adds a descriptor to an epoll instance.</summary>
    /// <param name="epoll">The epoll instance.</param>
    /// <param name="descriptor">What to watch.</param>
    /// <param name="events">The events to watch for, as EPOLLIN and so on.</param>
    /// <param name="data">What to report them with.</param>
    public virtual int EpollAdd(int epoll, int descriptor, uint events, ulong data) => EpollControl(epoll, 1, descriptor, events, data);

    /// <summary>Takes a descriptor out of an epoll instance: for one that goes on to live elsewhere.</summary>
    public virtual int EpollRemove(int epoll, int descriptor) => Result(LibC.EpollControl(epoll, 2, descriptor, null));

    /// <summary>Waits for events.</summary>
    /// <param name="epoll">The epoll instance.</param>
    /// <param name="events">Room for the events, in the kernel's layout.</param>
    /// <param name="capacity">How many fit.</param>
    /// <param name="timeout">Nanoseconds; negative waits without limit.</param>
    /// <returns>The number of events.</returns>
    public virtual int EpollWait(int epoll, nint events, int capacity, long timeout)
    {
        // Looking without waiting is a little cheaper by the older call.
        if (timeout != 0 && !_hasNoPreciseWait)
        {
            var result = EpollWaitPrecise(epoll, events, capacity, timeout);

            // Kernels before 5.11 do not have it, and sandboxes that do not know it forbid it.
            if (result is not (-Errno.ENOSYS or -Errno.EPERM))
            {
                return result;
            }

            _hasNoPreciseWait = true;
        }

        // Rounded up, so that a timer that is due in less than a millisecond does not make the loop spin until then.
        var milliseconds = timeout < 0 ? -1 : (int)Math.Min((timeout + 999_999) / 1_000_000, int.MaxValue);
        return Result(LibC.EpollWait(epoll, (void*)events, capacity, milliseconds));
    }

    /// <summary>Waits for events with a timeout of whole nanoseconds, where the kernel can.</summary>
    protected virtual int EpollWaitPrecise(int epoll, nint events, int capacity, long timeout)
    {
        var time = new LibC.TimeSpec { Seconds = (nint)(timeout / 1_000_000_000), Nanoseconds = (nint)(timeout % 1_000_000_000) };
        return Result(LibC.EpollWait2(EpollPwait2, epoll, (void*)events, capacity, timeout < 0 ? null : &time, null, 0));
    }

    /// <summary>Creates a non-blocking event descriptor.</summary>
    public virtual int EventDescriptor() => Result(LibC.EventDescriptor(0, NonBlockingCloseOnExec));

    /// <summary>Adds 1 to an event descriptor. Called from any thread.</summary>
    public virtual int Signal(int eventDescriptor)
    {
        ulong one = 1;
        return Result(LibC.Write(eventDescriptor, &one, sizeof(ulong)));
    }

    private static int EpollControl(int epoll, int operation, int descriptor, uint events, ulong data)
    {
        Span<byte> value = stackalloc byte[EpollEvents.MaximumSize];
        EpollEvents.Write(value, events, data);
        fixed (byte* start = value)
        {
            return Result(LibC.EpollControl(epoll, operation, descriptor, start));
        }
    }

    private static void Pin(ReadOnlySpan<ReadOnlyMemory<byte>> buffers, LibC.IoVector* vectors, ref Pins pins)
    {
        for (var i = 0; i < buffers.Length; i++)
        {
            // Memory of the driver's blocks says that it is pinned already; for that this takes no handle.
            pins[i] = buffers[i].Pin();
            vectors[i] = new LibC.IoVector { Base = (byte*)pins[i].Pointer, Length = (nuint)buffers[i].Length };
        }
    }

    private static void Unpin(ref Pins pins, int count)
    {
        for (var i = 0; i < count; i++)
        {
            pins[i].Dispose();
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Result(nint result) => result >= 0 ? (int)result : -Marshal.GetLastSystemError();

    [InlineArray(MaximumVectors)]
    private struct Pins
    {
        private MemoryHandle _first;
    }
}

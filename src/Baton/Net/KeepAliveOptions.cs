using System.Net.Sockets;

namespace Baton;

/// <summary>
/// When the system probes a TCP connection on which nothing happens, and when it gives the connection up (SO_KEEPALIVE). What is null is
/// left as the system has it.
/// </summary>
public sealed class KeepAliveOptions
{
    /// <summary>
    /// How long a connection is silent before it is probed, in whole seconds, rounded up. The system's is two hours, as a rule.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public TimeSpan? Time
    {
        get;
        set => field = Check(value);
    }

    /// <summary>The time between two probes, in whole seconds, rounded up. The system's is 75 seconds, as a rule.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public TimeSpan? Interval
    {
        get;
        set => field = Check(value);
    }

    /// <summary>How many probes may stay without an answer. The system's is 9, as a rule.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public int? Count
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value ?? 1, nameof(value));
            field = value;
        }
    }

    /// <summary>Applies to a socket of TCP; to another it would mean nothing.</summary>
    internal void ApplyTo(LoopSocket socket)
    {
        if (socket.AddressFamily is not (AddressFamily.InterNetwork or AddressFamily.InterNetworkV6))
        {
            return;
        }

        socket.SetOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, 1);
        Set(socket, SocketOptionName.TcpKeepAliveTime, Seconds(Time));
        Set(socket, SocketOptionName.TcpKeepAliveInterval, Seconds(Interval));
        Set(socket, SocketOptionName.TcpKeepAliveRetryCount, Count);
    }

    private static void Set(LoopSocket socket, SocketOptionName name, int? value)
    {
        if (value is { } number)
        {
            socket.SetOption(SocketOptionLevel.Tcp, name, number);
        }
    }

    private static int? Seconds(TimeSpan? time) =>
        time is { } value ? (int)Math.Min(Math.Ceiling(value.TotalSeconds), short.MaxValue) : null;

    private static TimeSpan? Check(TimeSpan? value)
    {
        if (value is { } time)
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(time, TimeSpan.Zero, nameof(value));
        }

        return value;
    }
}

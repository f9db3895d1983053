using System.Buffers;
using System.Net.Sockets;
using Baton;
using Baton.Drivers;

namespace DocsSnippets;

public static class Drivers
{
    public static void Choose()
    {
        #region choose
        var options = new EventLoopOptions { Driver = new EpollDriver() };
        EventLoop.Run(async Coroutine () => Console.WriteLine(EventLoop.Current.Driver.Name), options);
        #endregion
    }

    #region statistics
    public static void Statistics() => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, Greet);
        var before = EventLoop.Current.Driver.Statistics;
        await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
        var line = await connection.Input.ReadLineAsync();
        var spent = EventLoop.Current.Driver.Statistics - before;
        Console.WriteLine($"{line}: {spent.Sends} send for two writes");
    });

    private static async Coroutine Greet(Connection connection)
    {
        await Coroutine.Yield();
        connection.Output.Write("hel"u8);
        connection.Output.Write("lo\n"u8);
        await connection.Output.FlushAsync();
    }
    #endregion

    #region virtual-clock
    public static void VirtualClock()
    {
        var driver = new VirtualDriver();
        EventLoop.Run(
            async Coroutine () =>
            {
                await Coroutine.Sleep(TimeSpan.FromDays(365));
                Console.WriteLine($"a year later: {TimeSpan.FromTicks(EventLoop.Current.Time / 100).TotalDays} days");
            },
            new EventLoopOptions { Driver = driver, HandleSignals = false });
    }

    /// <summary>A driver without I/O whose time jumps to the next deadline instead of passing.</summary>
    private sealed class VirtualDriver : IoDriver
    {
        private readonly ManualClock _clock = new();

        public override string Name => "virtual";

        public override LoopClock Clock => _clock;

        public override int OpenSocketCount => 0;

        public override IoStatistics Statistics => default;

        public override void Poll(long timeout)
        {
            PollCount++;
            if (timeout < 0)
            {
                throw new InvalidOperationException("Every task waits and no timer is set: nothing can happen any more.");
            }

            _clock.Advance(timeout);
        }

        public override void Wake()
        {
        }

        public override IoSocket CreateSocket(EventLoop loop, AddressFamily addressFamily, SocketType socketType, ProtocolType protocolType) =>
            throw new NotSupportedException("This driver has no sockets.");

        protected override void Dispose(bool disposing)
        {
        }
    }

    private sealed class ManualClock : LoopClock
    {
        private long _now;

        public override long Now => _now;

        public void Advance(long nanoseconds) => _now += nanoseconds;
    }
    #endregion

    #region faults
    /// <summary>Every other send is interrupted by a signal, and the fifth finds that the peer has gone.</summary>
    private sealed class FaultyCalls : LinuxSocketCalls
    {
        private int _sends;

        public override int Send(int descriptor, ReadOnlySpan<byte> buffer) => ++_sends switch
        {
            5 => -Errno.ECONNRESET,
            var count when count % 2 == 1 => -Errno.EINTR,
            _ => base.Send(descriptor, buffer),
        };
    }

    public static void Faults()
    {
        var options = new EventLoopOptions { Driver = new EpollDriver(new FaultyCalls()) };
        EventLoop.Run(
            async Coroutine () =>
            {
                await using var server = await Server.StartAsync("127.0.0.1", 0, async Coroutine (peer) => await peer.Input.ReadLineAsync());
                await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
                var writes = 0;
                try
                {
                    while (true)
                    {
                        await connection.WriteAsync(new byte[1]);
                        writes++;
                        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
                    }
                }
                catch (IOException exception)
                {
                    Console.WriteLine($"{writes} writes, then {((SocketException)exception.InnerException!).SocketErrorCode}");
                }
            },
            options);
    }
    #endregion
}

using System.Net;
using System.Net.Sockets;
using System.Text;
using Baton.Drivers;

namespace Baton.Tests.Net;

/// <summary>What happens to sockets of the BCL that a loop takes over, and to those that it gives back.</summary>
public class SocketAdoptionTests
{
    [Fact]
    public void A_connected_socket_of_the_BCL_goes_on_as_the_loops() => NetTest.Run(async () =>
    {
        var (theirs, peer) = Pair();
        using (peer)
        using (var ours = LoopSocket.FromSocket(theirs))
        {
            Assert.Equal(AddressFamily.InterNetwork, ours.AddressFamily);
            Assert.Equal(peer.LocalEndPoint, ours.RemoteEndPoint);

            // Nothing there: the task waits and not the thread.
            var received = Coroutine.Start(NetTest.ReceiveAll(ours, 2));
            await NetTest.Iterate();
            peer.Send([1, 2]);
            Assert.Equal([1, 2], await received);
            await ours.SendAllAsync(new byte[] { 3 });
            Assert.Equal(1, peer.Receive(new byte[8]));
            ours.Dispose();

            // The end and not a reset: no trace is left of how the BCL closes what it lost.
            Assert.Equal(0, peer.Receive(new byte[8]));
        }
    });

    [Fact]
    public void A_socket_that_the_BCL_used_asynchronously_can_be_adopted_too() => NetTest.Run(async () =>
    {
        var (theirs, peer) = Pair();
        using (peer)
        {
            var buffer = new byte[8];
            var pending = theirs.ReceiveAsync(buffer);
            peer.Send([9]);
            Assert.Equal(1, await pending.WaitAsync(TimeSpan.FromSeconds(30)));
            using var ours = LoopSocket.FromSocket(theirs);
            for (byte i = 0; i < 20; i++)
            {
                var received = Coroutine.Start(NetTest.ReceiveAll(ours, 1));
                await NetTest.Iterate();
                peer.Send([i]);
                Assert.Equal([i], await received);
            }
        }
    });

    [Fact]
    public void A_listening_socket_accepts_for_the_loop() => NetTest.Run(async () =>
    {
        using var theirs = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        theirs.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        theirs.Listen();
        var endPoint = theirs.LocalEndPoint!;
        using var listener = LoopSocket.FromSocket(theirs);
        var accept = Coroutine.Start(NetTest.AcceptAsync(listener));
        using var client = LoopSocket.Create(AddressFamily.InterNetwork);
        await client.ConnectAsync(endPoint);
        using var server = await accept;
        await client.SendAllAsync("x"u8.ToArray());
        Assert.Equal("x", Encoding.UTF8.GetString(await NetTest.ReceiveAll(server, 1)));
    });

    [Fact]
    public void The_file_of_a_listening_local_socket_stays_though_the_BCL_deletes_what_it_bound() => NetTest.Run(async () =>
    {
        Assert.SkipUnless(Socket.OSSupportsUnixDomainSockets, "There are no local sockets here.");
        var path = Path.Combine(Path.GetTempPath(), $"baton-{Guid.NewGuid():N}");
        try
        {
            using var listener = Adopt(path);
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Assert.True(File.Exists(path));
            using var client = LoopSocket.Create(AddressFamily.Unix);
            await client.ConnectAsync(new UnixDomainSocketEndPoint(path));
            using var server = await listener.AcceptAsync();
            Assert.Equal(path, server.LocalEndPoint!.ToString());
        }
        finally
        {
            File.Delete(path);
        }

        // A method of its own, so that nothing keeps the BCL's object alive.
        static LoopSocket Adopt(string path)
        {
            var theirs = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            theirs.Bind(new UnixDomainSocketEndPoint(path));
            theirs.Listen();
            return LoopSocket.FromSocket(theirs);
        }
    });

    [Fact]
    public void A_socket_that_is_disposed_of_cannot_be_adopted() => NetTest.Run(async () =>
    {
        var theirs = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        theirs.Dispose();
        Assert.Throws<ObjectDisposedException>(() => LoopSocket.FromSocket(theirs));
        Assert.Throws<ArgumentNullException>(() => LoopSocket.FromSocket(null!));
        Assert.Throws<ArgumentNullException>(() => LoopSocket.FromHandle(null!));
        await NetTest.Iterate(1);
    });

    [Fact]
    public void What_is_no_socket_is_refused_and_stays_the_callers() => NetTest.Run(async test =>
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The descriptor is a file of Linux's.");
        using var file = File.OpenHandle("/dev/null");
        using var handle = new SafeSocketHandle(file.DangerousGetHandle(), ownsHandle: false);
        var failure = Assert.Throws<SocketException>(() => LoopSocket.FromHandle(handle));
        Assert.Equal(SocketError.NotSocket, failure.SocketErrorCode);
        Assert.StartsWith("Adopting a socket failed: ", failure.Message, StringComparison.Ordinal);
        Assert.False(handle.IsClosed);
        await NetTest.Iterate(1);
    });

    [Fact]
    public void A_family_that_the_driver_does_not_know_is_refused_and_named() => NetTest.Run(async test =>
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The number is Linux's.");

        // AF_NETLINK.
        var descriptor = new LinuxSocketCalls().Socket(16, 3, 0);
        Assert.SkipWhen(descriptor < 0, "There are no netlink sockets here.");
        using var handle = new SafeSocketHandle(descriptor, ownsHandle: true);
        var failure = Assert.Throws<SocketException>(() => LoopSocket.FromHandle(handle));
        Assert.Equal(SocketError.AddressFamilyNotSupported, failure.SocketErrorCode);
        Assert.Contains("the family 16", failure.Message, StringComparison.Ordinal);
        Assert.False(handle.IsClosed);
        await NetTest.Iterate(1);
    });

    [Fact]
    public void A_socket_that_cannot_be_adopted_for_want_of_descriptors_stays_the_callers() => NetTest.RunOnEpoll(async test =>
    {
        var (theirs, peer) = Pair();
        using (theirs)
        using (peer)
        {
            test.Calls.OnDuplicate = _ => -Errno.EMFILE;
            var failure = Assert.Throws<SocketException>(() => LoopSocket.FromSocket(theirs));
            Assert.Equal(SocketError.TooManyOpenSockets, failure.SocketErrorCode);
            theirs.Send([1]);
            Assert.Equal(1, peer.Receive(new byte[8]));
        }

        await NetTest.Iterate(1);
    });

    [Fact]
    public void A_detached_socket_works_as_one_of_the_BCL() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using (server)
        {
            // Registered with the driver, so that it has something to forget.
            var pending = Coroutine.Start(NetTest.ReceiveAll(client, 1));
            await NetTest.Iterate();
            Assert.Throws<InvalidOperationException>(client.Detach);
            await server.SendAllAsync(new byte[] { 1 });
            await pending;

            using var theirs = client.Detach();
            Assert.Equal(-1, client.Handle);
            Assert.Throws<ObjectDisposedException>(client.Detach);
            Assert.True(theirs.Blocking);
            Assert.True(theirs.Connected);
            Assert.Equal(server.RemoteEndPoint, theirs.LocalEndPoint);
            await server.SendAllAsync(new byte[] { 2, 3 });
            Assert.Equal(2, theirs.Receive(new byte[8]));
            Assert.Equal(1, theirs.Send([4]));
            Assert.Equal([4], await NetTest.ReceiveAll(server, 1));

            // And back again, with what the BCL's own engine has seen of it meanwhile.
            var received = theirs.ReceiveAsync(new byte[8]);
            await server.SendAllAsync(new byte[] { 5 });
            Assert.Equal(1, await received.WaitAsync(TimeSpan.FromSeconds(30)));
            using var ours = LoopSocket.FromSocket(theirs);
            await server.SendAllAsync(new byte[] { 6 });
            Assert.Equal([6], await NetTest.ReceiveAll(ours, 1));
        }
    });

    [Fact]
    public void A_connection_can_be_made_of_an_adopted_socket() => NetTest.Run(async () =>
    {
        var (theirs, peer) = Pair();
        using (peer)
        await using (var connection = new Connection(LoopSocket.FromSocket(theirs)))
        {
            peer.Send("line\n"u8);
            Assert.Equal("line", await connection.Input.ReadLineAsync());
        }
    });

    private static (Socket First, Socket Second) Pair()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var first = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        first.Connect(listener.LocalEndPoint!);
        return (first, listener.Accept());
    }
}

using System.Net.Sockets;
using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Drivers;

// Files that a driver sends by itself, or says that it does not.
public abstract partial class DriverContractTests
{
    [Fact]
    public void A_file_is_sent_as_far_as_there_is_room_or_not_at_all() => Run(test =>
    {
        using var folder = new TemporaryFolder();
        var bytes = NetTest.Pattern(1_000_000);
        File.WriteAllBytes(folder["file"], bytes);
        using var file = File.OpenHandle(folder["file"]);
        var (client, server) = test.ConnectWithLittleRoom();
        using var first = client;
        using var second = server;
        var sent = client.TrySendFile(file, 100, 50, out var error);
        if (error == SocketError.OperationNotSupported)
        {
            Assert.Equal(0, sent);
            Assert.Equal("portable", test.Driver.Name);
            return;
        }

        Assert.Equal((50, SocketError.Success), (sent, error));
        Assert.Equal(bytes[100..150], test.Receive(server, 50, out _));

        // Until there is no room; then the wait for room is over as soon as there is some.
        var offset = 0;
        while (error != SocketError.WouldBlock)
        {
            offset += client.TrySendFile(file, offset, bytes.Length - offset, out error);
        }

        Assert.InRange(offset, 1, bytes.Length - 1);
        var room = test.Submit(client, IoOperationKind.WaitToSend);
        Assert.False(room.IsFinished);
        Assert.Equal(bytes[..offset], test.Receive(server, offset, out _));
        test.PollUntil(room);
        Assert.NotEqual(0, client.TrySendFile(file, offset, 10, out error));

        // The end of the file, and beyond.
        Assert.Equal(0, client.TrySendFile(file, bytes.Length, 10, out error));
        Assert.Equal(SocketError.Success, error);
        Assert.Equal(0, client.TrySendFile(file, bytes.Length + 100L, 10, out error));
        Assert.Equal(SocketError.Success, error);
    });

    [Fact]
    public void What_the_system_does_not_send_by_itself_is_not_supported() => Run(test =>
    {
        using var folder = new TemporaryFolder();
        using var file = File.OpenHandle(folder["file"], FileMode.Create, FileAccess.Write);
        var (client, server) = test.Connect();
        using var first = client;
        using var second = server;
        RandomAccess.Write(file, "x"u8, 0);
        Assert.Equal(0, client.TrySendFile(file, 0, 1, out var error));
        Assert.Equal(SocketError.OperationNotSupported, error);
    });
}

using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Drivers;

/// <summary>Drives a driver by hand, below any loop: requests, polls, and what they finished with.</summary>
internal sealed class ContractTest
{
    private static readonly long Limit = 20_000_000_000;

    private readonly bool _receivesAhead;

    private ContractTest(IoDriver driver, bool receivesAhead)
    {
        Driver = driver;
        _receivesAhead = receivesAhead;
        Loop = new EventLoop(new EventLoopOptions { Driver = driver, Name = "contract", ExceptionHandler = static (_, _) => { } });
    }

    public IoDriver Driver { get; }

    public EventLoop Loop { get; }

    public static void Run(IoDriver driver, Action<ContractTest> body) => Run(() => driver, body);

    /// <param name="createDriver">Called on the thread of the test.</param>
    /// <param name="body">The test.</param>
    /// <param name="receivesAhead">Whether connected sockets are allowed to receive before they are asked.</param>
    public static void Run(Func<IoDriver> createDriver, Action<ContractTest> body, bool receivesAhead = false) => LoopTest.OnThread(() =>
    {
        var driver = createDriver();
        var test = new ContractTest(driver, receivesAhead);
        using (test.Loop)
        {
            body(test);
            Assert.Equal(0, driver.OpenSocketCount);
            Assert.Equal(0, driver.Blocks.LentCount);
        }

        Assert.Equal(0, driver.Blocks.KeptCount);
    });

    public IoSocket CreateSocket(AddressFamily family = AddressFamily.InterNetwork, SocketType type = SocketType.Stream) =>
        Driver.CreateSocket(Loop, family, type, ProtocolType.Unspecified);

    public IoSocket Listen(AddressFamily family = AddressFamily.InterNetwork)
    {
        var listener = CreateSocket(family);
        listener.Bind(new IPEndPoint(family == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback, 0));
        listener.Listen(100);
        return listener;
    }

    public (IoSocket Client, IoSocket Server) Connect(AddressFamily family = AddressFamily.InterNetwork) => Connect(family, null);

    /// <summary>Two sockets between which the system does not make more room as it goes, so that what is full stays full.</summary>
    public (IoSocket Client, IoSocket Server) ConnectWithLittleRoom() => Connect(AddressFamily.InterNetwork, 16 * 1024);

    public SocketError Connect(IoSocket socket, EndPoint endPoint)
    {
        var connect = new ContractRequest(Loop) { Kind = IoOperationKind.Connect, EndPoint = endPoint };
        connect.Submit(socket);
        PollUntil(connect);
        AllowReceivingAhead(socket);
        return connect.Error;
    }

    public IoSocket Accept(IoSocket listener)
    {
        var accept = Submit(listener, IoOperationKind.Accept);
        PollUntil(accept);
        Assert.Equal(SocketError.Success, accept.Error);
        AllowReceivingAhead(accept.Accepted!);
        return accept.Accepted!;
    }

    public ContractRequest Submit(IoSocket socket, IoOperationKind kind, Memory<byte> buffer = default)
    {
        var request = new ContractRequest(Loop) { Kind = kind, Buffer = buffer };
        request.Submit(socket);
        return request;
    }

    /// <summary>Waits until there is something to receive.</summary>
    public void WaitToReceive(IoSocket socket)
    {
        var wait = Submit(socket, IoOperationKind.Receive);
        PollUntil(wait);
        Assert.Equal(SocketError.Success, wait.Error);
    }

    /// <summary>Waits for what something sends.</summary>
    public void WaitToReceiveAfter(IoSocket socket, Action send)
    {
        var wait = Submit(socket, IoOperationKind.Receive);
        send();
        PollUntil(wait);
        Assert.Equal(SocketError.Success, wait.Error);
    }

    /// <summary>Receives until so many bytes are there, or the end, or an error.</summary>
    public byte[] Receive(IoSocket socket, int count, out SocketError error)
    {
        var bytes = new byte[count];
        var received = 0;
        error = SocketError.Success;
        while (received < count)
        {
            var more = socket.TryReceive(bytes.AsSpan(received), out error);
            if (error == SocketError.WouldBlock)
            {
                WaitToReceive(socket);
                continue;
            }

            if (more == 0)
            {
                break;
            }

            received += more;
        }

        return bytes[..received];
    }

    /// <summary>Sends until there is no room, nor any on its way; returns how much.</summary>
    public int Fill(IoSocket socket)
    {
        var chunk = new byte[64 * 1024];
        var filled = 0;
        for (var quiet = 0; quiet < 20; quiet++)
        {
            while (socket.TrySend(chunk, out _) is > 0 and var count)
            {
                filled += count;
                quiet = 0;
            }

            Driver.Poll(1_000_000);
        }

        return filled;
    }

    /// <summary>
    /// Sends until a send waits for room; returns it, and how much was sent before. The system may find a little room long after it had
    /// none.
    /// </summary>
    public (ContractRequest Waiting, int Filled) SendUntilFull(IoSocket socket, byte[] bytes)
    {
        var filled = Fill(socket);
        while (true)
        {
            var send = Submit(socket, IoOperationKind.Send, bytes);
            if (!send.IsFinished)
            {
                return (send, filled);
            }

            filled += send.BytesTransferred;
        }
    }

    public void PollUntil(ContractRequest request) => PollUntil(() => request.IsFinished);

    public void PollUntil(Func<bool> condition)
    {
        var end = LoopClock.System.Now + Limit;
        while (!condition())
        {
            Assert.True(LoopClock.System.Now < end, "What a driver was to do did not happen in time.");
            Driver.Poll(10_000_000);
        }
    }

    /// <summary>Polls for a while in which nothing is to happen.</summary>
    public void PollSome(int count = 5)
    {
        for (var i = 0; i < count; i++)
        {
            Driver.Poll(1_000_000);
        }
    }

    private void AllowReceivingAhead(IoSocket socket)
    {
        if (_receivesAhead)
        {
            socket.AllowReceivingAhead();
        }
    }

    private (IoSocket Client, IoSocket Server) Connect(AddressFamily family, int? room)
    {
        using var listener = Listen(family);
        var client = CreateSocket(family);
        if (room is { } size)
        {
            listener.SetOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveBuffer, size);
            client.SetOption(SocketOptionLevel.Socket, SocketOptionName.SendBuffer, size);
        }

        Assert.Equal(SocketError.Success, Connect(client, listener.GetEndPoint(peer: false)!));
        return (client, Accept(listener));
    }
}

/// <summary>A request that nobody awaits: it counts how often it was finished.</summary>
internal sealed class ContractRequest(EventLoop loop) : IoRequest(loop)
{
    public int Finishes { get; private set; }

    public bool IsFinished => Finishes > 0;

    /// <summary>Submits it; what is done at once counts as finished.</summary>
    public void Submit(IoSocket socket)
    {
        Finishes = 0;
        if (socket.Submit(this))
        {
            Assert.Equal(0, Finishes);
            Finishes = 1;
        }
    }

    public override void Finish() => Finishes++;

    protected override bool RequestCancel(string? message) => false;

    protected override void OnResultTaken()
    {
    }
}

using System.Net;
using System.Text;
using Baton;

namespace DocsSnippets;

public static class Udp
{
    #region echo
    public static void Echo() => EventLoop.Run(async Coroutine () =>
    {
        using var server = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var serving = Coroutine.Start(Serve(server));

        using var client = await UdpSocket.ConnectAsync(server.LocalEndPoint!);
        await client.SendAsync("hello"u8.ToArray());
        var buffer = new byte[2048];
        var count = await client.ReceiveAsync(buffer);
        Console.WriteLine(Encoding.UTF8.GetString(buffer, 0, count));
        serving.Cancel();
    });

    private static async Coroutine Serve(UdpSocket socket)
    {
        var buffer = new byte[2048];
        while (true)
        {
            var received = await socket.ReceiveFromAsync(buffer);
            if (!received.IsTruncated)
            {
                await socket.SendToAsync(buffer.AsMemory(0, received.Count), received.RemoteEndPoint!);
            }
        }
    }
    #endregion

    #region batch
    private static async Coroutine ServeInBatches(UdpSocket socket)
    {
        var batch = new DatagramBatch(capacity: 64, maximumLength: 2048);
        while (true)
        {
            await socket.ReceiveBatchAsync(batch); // at least one
            for (var i = 0; i < batch.Count; i++)
            {
                batch[i].Span.Reverse(); // the answer, in place
            }

            await socket.SendBatchAsync(batch); // each to who sent it
        }
    }
    #endregion

    #region send-batch
    private static async Coroutine Announce(UdpSocket socket, IReadOnlyList<IPEndPoint> receivers)
    {
        var batch = new DatagramBatch(capacity: 64, maximumLength: 512);
        foreach (var receiver in receivers)
        {
            batch.Add("news"u8, receiver);
            if (batch.IsFull)
            {
                await socket.SendBatchAsync(batch);
                batch.Clear();
            }
        }

        await socket.SendBatchAsync(batch);
    }
    #endregion

    #region reports
    public static void Reports() => EventLoop.Run(async Coroutine () =>
    {
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        using var gone = UdpSocket.Bind(any);
        var nobody = gone.LocalEndPoint!;
        gone.Dispose();

        using var socket = UdpSocket.Bind(any, new UdpOptions { ReportUndelivered = true });
        await socket.SendToAsync("anybody?"u8.ToArray(), nobody);
        try
        {
            await socket.ReceiveFromAsync(new byte[100]);
        }
        catch (UndeliveredException report)
        {
            Console.WriteLine($"{report.SocketErrorCode}: {report.Receiver!.Equals(nobody)}");
        }
    });
    #endregion

    #region multicast
    private static UdpSocket Join(IPAddress group, int port)
    {
        var socket = UdpSocket.Bind(new IPEndPoint(IPAddress.Any, port), new UdpOptions { ReuseAddress = true });
        socket.JoinMulticastGroup(group);
        return socket;
    }
    #endregion
}

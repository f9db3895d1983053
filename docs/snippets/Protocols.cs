using System.Net;
using System.Text;
using Baton;

namespace DocsSnippets;

public static class Protocols
{
    #region echo
    public static void Echo() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        await using var server = await loop.CreateServerAsync(() => new EchoProtocol(), "127.0.0.1", 0);
        var (transport, client) = await loop.CreateConnectionAsync(() => new ClientProtocol(loop.CreateFuture()), server.EndPoints[0]);
        transport.Write("hello"u8);
        transport.WriteEof();
        await client.Lost;
    });

    private sealed class EchoProtocol : Protocol
    {
        private IStreamTransport _transport = null!;

        public override void ConnectionMade(IStreamTransport transport) => _transport = transport;

        public override void DataReceived(ReadOnlySpan<byte> data) => _transport.Write(data);

        // EofReceived returns false unless overridden: the transport is closed, once everything is sent.
    }

    private sealed class ClientProtocol(Future lost) : Protocol
    {
        public Future Lost => lost;

        public override void DataReceived(ReadOnlySpan<byte> data) => Console.WriteLine($"received {Encoding.UTF8.GetString(data)}");

        public override void ConnectionLost(Exception? exception)
        {
            Console.WriteLine(exception?.Message ?? "closed");
            lost.SetResult();
        }
    }
    #endregion

    #region flow
    /// <summary>Sends blocks as fast as the peer takes them, and holds one write buffer of them at most.</summary>
    private sealed class Sender(IEnumerator<byte[]> blocks) : Protocol
    {
        private IStreamTransport _transport = null!;
        private bool _isPaused;

        public override void ConnectionMade(IStreamTransport transport)
        {
            _transport = transport;
            Send();
        }

        public override void PauseWriting() => _isPaused = true;

        public override void ResumeWriting()
        {
            _isPaused = false;
            Send();
        }

        private void Send()
        {
            while (!_isPaused && !_transport.IsClosing)
            {
                if (!blocks.MoveNext())
                {
                    _transport.Close(); // what is queued is sent first
                    return;
                }

                _transport.Write(blocks.Current); // may call PauseWriting
            }
        }
    }
    #endregion

    public static void Flow() => EventLoop.Run(async Coroutine () =>
    {
        var blocks = Enumerable.Repeat(new byte[1000], 1000).GetEnumerator();
        await using var server = await EventLoop.Current.CreateServerAsync(() => new Sender(blocks), new IPEndPoint(IPAddress.Loopback, 0));
        await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
        var total = 0L;
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            total += read.Buffer.Length;
            connection.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                Console.WriteLine(total);
                return;
            }
        }
    });

    #region lines
    /// <summary>Receives into a buffer of its own, and takes whole lines from it.</summary>
    private sealed class LineProtocol(Action<string> onLine) : BufferedProtocol
    {
        private byte[] _buffer = new byte[1024];
        private int _length;

        public override Memory<byte> GetBuffer(int sizeHint)
        {
            if (_length == _buffer.Length)
            {
                Array.Resize(ref _buffer, _length * 2);
            }

            return _buffer.AsMemory(_length);
        }

        public override void BufferUpdated(int count)
        {
            _length += count;
            var left = _buffer.AsSpan(0, _length);
            while (left.IndexOf((byte)'\n') is var end and >= 0)
            {
                onLine(Encoding.UTF8.GetString(left[..end]));
                left = left[(end + 1)..];
            }

            left.CopyTo(_buffer);
            _length = left.Length;
        }
    }
    #endregion

    public static void Lines() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        var done = loop.CreateFuture();
        await using var server = await loop.CreateServerAsync(
            () => new LineProtocol(line =>
            {
                Console.WriteLine(line);
                if (line == "two")
                {
                    done.SetResult();
                }
            }),
            new IPEndPoint(IPAddress.Loopback, 0));
        await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
        await connection.WriteAsync("one\ntwo\n"u8.ToArray());
        await done;
    });

    #region datagrams
    public static void Datagrams() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        var (serving, _) = await loop.CreateDatagramEndpointAsync(() => new EchoDatagrams(), new IPEndPoint(IPAddress.Loopback, 0));
        var answer = loop.CreateFuture<string>();
        var (transport, _) = await loop.CreateDatagramEndpointAsync(() => new Asker(answer), localEndPoint: null, remoteEndPoint: serving.LocalEndPoint);
        transport.SendTo("ping"u8);
        Console.WriteLine(await answer);
        transport.Close();
        serving.Close();
    });

    private sealed class EchoDatagrams : DatagramProtocol
    {
        private IDatagramTransport _transport = null!;

        public override void ConnectionMade(IDatagramTransport transport) => _transport = transport;

        public override void DatagramReceived(ReadOnlySpan<byte> data, EndPoint? sender) => _transport.SendTo(data, sender);
    }

    private sealed class Asker(Future<string> answer) : DatagramProtocol
    {
        public override void DatagramReceived(ReadOnlySpan<byte> data, EndPoint? sender) => answer.TrySetResult(Encoding.UTF8.GetString(data));
    }
    #endregion

    #region attach
    /// <summary>Reads a greeting with a coroutine, and leaves the rest to a protocol.</summary>
    private static async Coroutine Serve(Connection connection)
    {
        if (await connection.Input.ReadLineAsync() == "echo")
        {
            // The server counts the connection until the transport is closed.
            await connection.AttachAsync(new EchoProtocol());
        }
    }

    /// <summary>Takes the connection back from its protocol. What the protocol was not given is still there to be read.</summary>
    private static async Coroutine<string?> ReadAnswerAsync(IStreamTransport transport)
    {
        await using var connection = await transport.DetachAsync();
        return await connection.Input.ReadLineAsync();
    }
    #endregion

    public static void Attach() => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, Serve);
        var (transport, _) = await EventLoop.Current.CreateConnectionAsync(() => new EchoProtocol(), server.EndPoints[0]);
        transport.PauseReading();
        transport.Write("echo\nhello\n"u8);
        Console.WriteLine(await ReadAnswerAsync(transport));
    });
}

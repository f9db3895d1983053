using System.Buffers.Binary;
using System.IO.Pipelines;

namespace Baton.Tests.Net;

/// <summary>As much of an HTTP/2 server as a test of a client takes: answers every request with 200 and a body, or a part of one.</summary>
internal static class Http2TestServer
{
    private const int PrefaceLength = 24;
    private const byte EndStream = 1;
    private const byte EndHeaders = 4;
    private const byte Ack = 1;

    // ":status: 200", an entry of the static table.
    private static readonly byte[] Ok = [0x88];

    private enum FrameType : byte
    {
        Data = 0,
        Headers = 1,
        Settings = 4,
        Ping = 6,
        GoAway = 7,
    }

    /// <summary>Serves one connection.</summary>
    /// <param name="transport">Where the frames come from and go to.</param>
    /// <param name="body">The body of every response.</param>
    /// <param name="isComplete">Whether a response ever ends.</param>
    internal static async Coroutine Serve(Stream transport, byte[] body, bool isComplete = true)
    {
        var input = PipeReader.Create(transport);
        await input.ReadExactlyAsync(PrefaceLength);
        await Send(transport, FrameType.Settings, 0, 0, []);
        var header = new byte[9];
        try
        {
            while (true)
            {
                await input.ReadExactlyAsync(header);
                var payload = await input.ReadExactlyAsync((header[0] << 16) | (header[1] << 8) | header[2]);
                var flags = header[4];
                var stream = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(5));
                switch ((FrameType)header[3])
                {
                    case FrameType.Settings when (flags & Ack) == 0:
                        await Send(transport, FrameType.Settings, Ack, 0, []);
                        break;
                    case FrameType.Ping when (flags & Ack) == 0:
                        await Send(transport, FrameType.Ping, Ack, 0, payload);
                        break;
                    case FrameType.Headers:
                        await Send(transport, FrameType.Headers, EndHeaders, stream, Ok);
                        await Send(transport, FrameType.Data, isComplete ? EndStream : (byte)0, stream, body);
                        break;
                    case FrameType.GoAway:
                        return;
                }
            }
        }
        catch (IncompleteReadException)
        {
            // The client has closed the connection.
        }
    }

    private static async Coroutine Send(Stream transport, FrameType type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        frame[0] = (byte)(payload.Length >> 16);
        frame[1] = (byte)(payload.Length >> 8);
        frame[2] = (byte)payload.Length;
        frame[3] = (byte)type;
        frame[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame.AsSpan(9));
        await transport.WriteAsync(frame);
    }
}

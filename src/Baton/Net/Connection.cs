using System.IO.Pipelines;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Baton;

/// <summary>
/// A stream connection: bytes in through <see cref="Input"/>, bytes out through <see cref="Output"/>, or both through
/// <see cref="AsStream"/>. Corresponds to the <c>StreamReader</c> and <c>StreamWriter</c> of asyncio's streams.
/// </summary>
/// <remarks>
/// <para>Writes are causal: one that completed has been taken by the system, and awaiting it is all the back-pressure there is. Small
/// writes of one iteration that nobody waits for leave in one system call. A connection that waits for its peer holds no buffer.</para>
/// <para>Cancelling a task that reads loses nothing: what arrives is there for the next read. Cancelling one that writes up to 16 KiB, or
/// flushes, gives up the wait only: the bytes stay queued and are sent. A larger write is withdrawn as a whole if nothing of it has been
/// sent; if a part has, the output cannot be used any more, later writes say so, and closing the connection tells the peer of a
/// reset.</para>
/// <para>With TLS, by <see cref="ConnectOptions.Tls"/>, <see cref="ServerOptions.Tls"/> or
/// <see cref="UpgradeToTlsAsync(SslClientAuthenticationOptions, TimeSpan?, TimeSpan?)"/>, all of this holds for the bytes before they are
/// encrypted. A peer that closes without saying so in TLS is reported by <see cref="TlsTruncatedException"/>.</para>
/// <para>Failures are <see cref="IOException"/>s that name the connection and hold the <see cref="SocketException"/>. All members belong to
/// the loop's thread, those of the stream excepted.</para>
/// </remarks>
public sealed partial class Connection : IDuplexPipe, IAsyncDisposable, IDisposable
{
    private readonly ConnectionReader _reader;
    private readonly ConnectionWriter _writer;
    private ConnectionStream? _stream;
    private EndPoint? _localEndPoint;
    private EndPoint? _remoteEndPoint;

    /// <summary>
    /// Makes a connection of a connected socket, which from now on belongs to the connection. Sets TCP_NODELAY where there is TCP.
    /// </summary>
    /// <exception cref="ArgumentException">This is no stream socket, but one for datagrams, say.</exception>
    public Connection(LoopSocket socket)
        : this(socket, setNoDelay: true)
    {
    }

    internal Connection(LoopSocket socket, bool setNoDelay, EndPoint? remoteEndPoint = null)
        : this(CheckedLoop(socket), socket.Io)
    {
        _remoteEndPoint = remoteEndPoint;
        if (setNoDelay && socket.AddressFamily != AddressFamily.Unix)
        {
            try
            {
                socket.NoDelay = true;
            }
            catch (SocketException)
            {
                // The peer has gone already; the first read or write says so.
            }
        }

        Loop.UntrackResource(socket);
    }

    private Connection(EventLoop loop, IoSocket io, string? name = null)
    {
        Loop = loop;
        Io = io;
        Access = io.Access;
        _name = name ?? NameOf(io);
        Io.AllowReceivingAhead();
        _reader = new ConnectionReader(this);
        _writer = new ConnectionWriter(this);
        Track();
    }

    /// <summary>The loop to which the connection belongs.</summary>
    public EventLoop Loop { get; }

    /// <summary>
    /// What the peer sends. A result whose <see cref="ReadResult.IsCompleted"/> is true is the last: the peer has ended its side. See
    /// <see cref="PipeReaderExtensions"/> for reading by lines, lengths and delimiters.
    /// </summary>
    public PipeReader Input => _reader;

    /// <summary>
    /// What goes to the peer. <see cref="PipeWriter.Complete"/> ends this side once everything is sent; with an exception it is
    /// <see cref="Abort"/>.
    /// </summary>
    public PipeWriter Output => _writer;

    /// <summary>The address of this end; null for a local socket without a name.</summary>
    public EndPoint? LocalEndPoint => _localEndPoint ??= Io.GetEndPoint(peer: false);

    /// <summary>The address of the peer; null for a local socket without a name.</summary>
    public EndPoint? RemoteEndPoint => _remoteEndPoint ??= Io.GetEndPoint(peer: true);

    /// <summary>The server that accepted the connection; null where this side has connected.</summary>
    public Server? Server { get; internal init; }

    /// <summary>Whether this side has closed the connection.</summary>
    public bool IsClosed => Io.Handle < 0;

    /// <summary>The system's descriptor, for options that nobody wrapped; -1 once closed.</summary>
    public nint Handle => Io.Handle;

    /// <summary>Bytes that were written and that the system has not taken, those that nobody has flushed included.</summary>
    public long BufferedOutput => Math.Max(_writer.Buffered, _tls?.SealedLength ?? 0);

    internal IoSocket Io { get; private set; }

    /// <summary>
    /// The connection as a stream, always the same one, for <c>SslStream</c>, <c>StreamReader</c> and the like. It may be called from any
    /// thread: off the loop it goes to the loop and back. Disposing of it closes the connection.
    /// </summary>
    public Stream AsStream() => _stream ??= new ConnectionStream(this);

    /// <summary>
    /// Writes bytes, after everything that <see cref="Output"/> holds. Completes when the system has taken them; until then the memory must
    /// not change, unless there are at most 16 KiB, which are copied when they have to wait.
    /// </summary>
    /// <exception cref="IOException">The connection failed or was closed.</exception>
    /// <exception cref="InvalidOperationException">The output was completed.</exception>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        return _writer.Write(bytes, cancellationToken)?.AsVoid() ?? default;
    }

    /// <summary>
    /// Ends this side once everything is sent: the peer reads to the end, and may go on sending. Corresponds to
    /// <c>StreamWriter.write_eof</c>. Completes when the system has taken everything.
    /// </summary>
    /// <exception cref="IOException">The connection failed.</exception>
    public ValueTask CompleteOutputAsync() => _writer.CompleteAsync();

    /// <summary>
    /// Closes the connection at once, so that the peer is told of a reset; what was not sent is dropped. Reads and writes in progress fail.
    /// Can be called again. Corresponds to <c>transport.abort</c>.
    /// </summary>
    public void Abort()
    {
        if (IsClosed)
        {
            return;
        }

        Loop.CheckThread();

        // While there is somebody to ask: whoever is in the middle of a read or write is told by name what was aborted.
        _ = LocalEndPoint;
        _ = RemoteEndPoint;
        _reader.OnClosed(byOwner: false);
        _writer.OnClosed();
        Loop.UntrackResource(this);
        Io.Abort();
    }

    /// <summary>
    /// Sends what is buffered and closes the connection. Reads in progress fail. Can be called again. Corresponds to
    /// <c>StreamWriter.close</c> and <c>wait_closed</c> together.
    /// </summary>
    /// <remarks>Where the wait is cancelled, or the rest cannot be sent, the connection is aborted.</remarks>
    /// <exception cref="IOException">
    /// What was buffered could not be sent. A failure that a write has reported is not reported again.
    /// </exception>
    public ValueTask CloseAsync()
    {
        if (!IsClosed)
        {
            Loop.CheckThread();
            if (_writer.IsSendingFile)
            {
                return CloseWhenSentAsync();
            }

            if (!_writer.HasFailed)
            {
                _writer.SendRest();
                if (_writer.Buffered > 0 || _tls?.TryEnd() == false)
                {
                    return CloseWhenSentAsync();
                }
            }
        }

        Dispose();
        return default;
    }

    /// <inheritdoc cref="CloseAsync"/>
    public ValueTask DisposeAsync() => CloseAsync();

    /// <summary>
    /// Closes the connection without waiting: sends what the system takes at once; if that is not everything, the connection is aborted.
    /// Can be called again.
    /// </summary>
    public void Dispose()
    {
        if (IsClosed)
        {
            if (Loop.IsOnLoopThread)
            {
                _reader.OnClosed(byOwner: true);
            }

            return;
        }

        Loop.CheckThread();
        _writer.SendRest();
        if (_writer.Buffered > 0 || _writer.IsBroken)
        {
            Abort();
        }

        _reader.OnClosed(byOwner: true);
        _writer.OnClosed();
        Loop.UntrackResource(this);
        Io.Dispose();
    }

    /// <inheritdoc/>
    public override string ToString() => _name ?? $"connection {Text(LocalEndPoint)} -> {Text(RemoteEndPoint)}";

    internal void OnWriteFailed(SocketError error) => _reader.OnWriteFailed(error);

    internal ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        _reader.ReadInto(buffer, cancellationToken);

    internal ValueTask FlushAsync(CancellationToken cancellationToken) =>
        _writer.Buffered == 0 ? default : WriteAsync(ReadOnlyMemory<byte>.Empty, cancellationToken);

    private static EventLoop CheckedLoop(LoopSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        return socket.Io.SocketType == SocketType.Stream
            ? socket.Loop
            : throw new ArgumentException(
                $"A connection is made of a stream socket, and this is of the type {socket.Io.SocketType}.", nameof(socket));
    }

    private static string Text(EndPoint? endPoint) => endPoint?.ToString() ?? "(unnamed)";
}

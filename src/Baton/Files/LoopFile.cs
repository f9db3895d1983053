using Microsoft.Win32.SafeHandles;

namespace Baton;

/// <summary>
/// A file whose operations never block the loop: they are done by threads that the loop has for this, or by the system where the driver can
/// have it do that. asyncio has no such thing; programs there call <c>to_thread</c>.
/// </summary>
/// <remarks>
/// <para>Every operation leaves the loop's thread and comes back. There are <see cref="EventLoopOptions.FileThreads"/> threads for all
/// files of a loop; what they have no time for waits in line. Reads and writes at offsets may run side by side; those at the
/// <see cref="Position"/> one at a time. They do not allocate in the steady state.</para>
/// <para>Cancelling a task that waits withdraws an operation that still stands in line, as if it had never been. One that has begun is
/// waited for, since it works on the caller's memory, and delivers its result; the cancellation then arrives where the task waits next.
/// Only opening and looking at a path are given up at once: what such an open opens is closed.</para>
/// <para>Failures are the BCL's: <see cref="FileNotFoundException"/>, <see cref="DirectoryNotFoundException"/>,
/// <see cref="UnauthorizedAccessException"/>, other <see cref="IOException"/>s, with messages that name operation and path. Await the
/// <see cref="ValueTask"/>s once. All members belong to the loop's thread.</para>
/// <para>For files that are there for good: opening or reading a pipe keeps a thread busy until somebody writes to it.</para>
/// </remarks>
public sealed partial class LoopFile : IAsyncDisposable, IDisposable
{
    private int _operations;
    private bool _isMoving;
    private bool _isClosing;
    private bool _isClosed;
    private List<Future>? _closeWaiters;
    private long _position;

    internal LoopFile(EventLoop loop, SafeFileHandle handle, string path)
    {
        Loop = loop;
        Handle = handle;
        Path = path;
        loop.TrackResource(this, static file => !((LoopFile)file)._isClosing);
    }

    /// <summary>The loop to which the file belongs.</summary>
    public EventLoop Loop { get; }

    /// <summary>The path by which it was opened.</summary>
    public string Path { get; }

    /// <summary>The system's handle, which stays the file's.</summary>
    public SafeFileHandle Handle { get; }

    /// <summary>Whether it was closed, or is about to be once the operations that run have ended.</summary>
    public bool IsClosed => _isClosing;

    /// <summary>
    /// Where the next read or write without an offset begins, in bytes from the start. It moves by what was read or written; it is the file
    /// object's and not the system's, so that others who share the handle do not move it.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    /// <exception cref="InvalidOperationException">A read or write at the position is in progress.</exception>
    public long Position
    {
        get => _position;
        set
        {
            Loop.CheckThread();
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            CheckNotMoving();
            _position = value;
        }
    }

    /// <summary>
    /// Reads up to the buffer's length at an offset: at least one byte, unless the file ends there. Any number of such reads may be in
    /// progress. Leaves the loop's thread.
    /// </summary>
    /// <param name="buffer">Where to put it; in use until this completes.</param>
    /// <param name="offset">Where to read, in bytes from the start.</param>
    /// <returns>The bytes read; 0 at the end of the file.</returns>
    /// <exception cref="IOException">The system could not read.</exception>
    /// <exception cref="UnauthorizedAccessException">The file was not opened to be read.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public ValueTask<int> ReadAsync(Memory<byte> buffer, long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return Read(buffer, offset, movesPosition: false);
    }

    /// <summary>
    /// Reads up to the buffer's length at the <see cref="Position"/>, which moves by what was read. Leaves the loop's thread.
    /// </summary>
    /// <inheritdoc cref="ReadAsync(Memory{byte}, long)"/>
    /// <exception cref="InvalidOperationException">Another read or write at the position is in progress.</exception>
    public ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        CheckNotMoving();
        return Read(buffer, _position, movesPosition: true);
    }

    /// <summary>Reads at an offset into several buffers, one after the other, in one operation. Leaves the loop's thread.</summary>
    /// <param name="buffers">Where to put it; in use until this completes.</param>
    /// <param name="offset">Where to read, in bytes from the start.</param>
    /// <returns>The bytes read; 0 at the end of the file.</returns>
    /// <inheritdoc cref="ReadAsync(Memory{byte}, long)"/>
    public ValueTask<long> ReadAsync(IReadOnlyList<Memory<byte>> buffers, long offset)
    {
        ArgumentNullException.ThrowIfNull(buffers);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var operation = Rent(IoFileOperationKind.Read);
        operation.Buffers = buffers;
        operation.Offset = offset;
        operation.Submit();
        return operation.AsLongCount();
    }

    /// <summary>
    /// Writes everything at an offset, past the end too. Any number of such writes may be in progress. Completes when the system has taken
    /// the bytes; only <see cref="FlushAsync"/> makes sure of the device. Leaves the loop's thread.
    /// </summary>
    /// <param name="bytes">What to write; must not change until this completes.</param>
    /// <param name="offset">Where to write, in bytes from the start.</param>
    /// <remarks>When this fails, a part may have been written.</remarks>
    /// <exception cref="IOException">The system could not write: for one because the disk is full.</exception>
    /// <exception cref="UnauthorizedAccessException">The file was not opened to be written.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, long offset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        return Write(bytes, offset, movesPosition: false);
    }

    /// <summary>Writes everything at the <see cref="Position"/>, which moves behind it. Leaves the loop's thread.</summary>
    /// <inheritdoc cref="WriteAsync(ReadOnlyMemory{byte}, long)"/>
    /// <exception cref="InvalidOperationException">Another read or write at the position is in progress.</exception>
    public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes)
    {
        CheckNotMoving();
        return Write(bytes, _position, movesPosition: true);
    }

    /// <summary>Writes several buffers at an offset, one after the other, in one operation. Leaves the loop's thread.</summary>
    /// <param name="buffers">What to write; must not change until this completes.</param>
    /// <param name="offset">Where to write, in bytes from the start.</param>
    /// <inheritdoc cref="WriteAsync(ReadOnlyMemory{byte}, long)"/>
    public ValueTask WriteAsync(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset)
    {
        ArgumentNullException.ThrowIfNull(buffers);
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        var operation = Rent(IoFileOperationKind.Write);
        operation.SourceBuffers = buffers;
        operation.Offset = offset;
        operation.Submit();
        return operation.AsVoid();
    }

    /// <summary>
    /// Reads everything from the <see cref="Position"/> to the end, wherever that is by then, and moves the position there. Leaves the
    /// loop's thread.
    /// </summary>
    /// <exception cref="IOException">The system could not read, or this is more than an array holds.</exception>
    /// <inheritdoc cref="ReadAsync(Memory{byte})"/>
    public async Coroutine<byte[]> ReadAllAsync()
    {
        const int Least = 4096;
        var length = (await StatAsync()).Length - _position;
        if (length > Array.MaxLength)
        {
            throw new IOException($"Reading '{Path}' failed: its {length} bytes are more than an array holds.");
        }

        // One more than there are, so that the read that finds the end is the last.
        var bytes = new byte[length > 0 ? Math.Min(length + 1, Array.MaxLength) : Least];
        var count = 0;
        while (await ReadAsync(bytes.AsMemory(count)) is > 0 and var more)
        {
            count += more;
            if (count == bytes.Length)
            {
                if (count == Array.MaxLength)
                {
                    throw new IOException($"Reading '{Path}' failed: it has more bytes than an array holds.");
                }

                Array.Resize(ref bytes, (int)Math.Min(bytes.Length * 2L, Array.MaxLength));
            }
        }

        return count == bytes.Length ? bytes : bytes.AsSpan(0, count).ToArray();
    }

    /// <summary>
    /// Has the device keep what was written, so that it outlives a loss of power. Corresponds to <c>os.fsync</c>. Leaves the loop's thread.
    /// </summary>
    /// <param name="dataOnly">
    /// Whether to leave out what is not needed to read it again, such as times: <c>os.fdatasync</c>, which costs less. The same on
    /// platforms that have no such thing.
    /// </param>
    /// <exception cref="IOException">The device failed: what was written may be lost.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public ValueTask FlushAsync(bool dataOnly = false)
    {
        var operation = Rent(dataOnly ? IoFileOperationKind.FlushData : IoFileOperationKind.Flush);
        operation.Submit();
        return operation.AsVoid();
    }

    /// <summary>Asks for length, times and so on. Corresponds to <c>os.fstat</c>. Leaves the loop's thread.</summary>
    /// <exception cref="IOException">The system could not tell.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public ValueTask<FileStatus> StatAsync()
    {
        var operation = Rent(IoFileOperationKind.Status);
        operation.Buffer = new byte[FileStatus.RawSize];
        operation.Submit();
        return operation.AsStatus();
    }

    /// <summary>
    /// Cuts the file off, or fills it up with zeros. The position stays. Corresponds to <c>os.ftruncate</c>. Leaves the loop's thread.
    /// </summary>
    /// <param name="length">The new length in bytes.</param>
    /// <exception cref="IOException">The system could not do it.</exception>
    /// <exception cref="UnauthorizedAccessException">The file was not opened to be written.</exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    public ValueTask SetLengthAsync(long length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        var operation = Rent(IoFileOperationKind.SetLength);
        operation.Offset = length;
        operation.Submit();
        return operation.AsVoid();
    }

    /// <inheritdoc/>
    public override string ToString() => $"file '{Path}'{(_isClosing ? " (closed)" : "")}";

    private ValueTask<int> Read(Memory<byte> buffer, long offset, bool movesPosition)
    {
        if (buffer.IsEmpty)
        {
            CheckOpen();
            return default;
        }

        var operation = Rent(IoFileOperationKind.Read, movesPosition);
        operation.Buffer = buffer;
        operation.Offset = offset;
        operation.Submit();
        return operation.AsCount();
    }

    private ValueTask Write(ReadOnlyMemory<byte> bytes, long offset, bool movesPosition)
    {
        if (bytes.IsEmpty)
        {
            CheckOpen();
            return default;
        }

        var operation = Rent(IoFileOperationKind.Write, movesPosition);
        operation.Buffer = System.Runtime.InteropServices.MemoryMarshal.AsMemory(bytes);
        operation.Offset = offset;
        operation.Submit();
        return operation.AsVoid();
    }

    private FileOperation Rent(IoFileOperationKind kind, bool movesPosition = false)
    {
        CheckOpen();
        Loop.ThrowIfCancelDue();
        var operation = Loop.RentFileOperation();
        operation.Start(kind, Path, this, movesPosition);
        operation.File = Handle;
        _operations++;
        _isMoving |= movesPosition;
        return operation;
    }

    private void CheckOpen()
    {
        Loop.CheckThread();
        ObjectDisposedException.ThrowIf(_isClosing, this);
    }

    private void CheckNotMoving()
    {
        if (_isMoving)
        {
            throw new InvalidOperationException(
                $"A read or write at the position of {this} is in progress: one at a time. Await it first, or say at which offset.");
        }
    }
}

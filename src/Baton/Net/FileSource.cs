using Microsoft.Win32.SafeHandles;

namespace Baton;

/// <summary>A file that is being sent, and a range of it.</summary>
internal sealed class FileSource
{
    /// <summary>
    /// As much as the system is asked to send at a time, after which others have their turn: a peer that reads as fast as we send would
    /// otherwise keep the loop in one call for as long as the file lasts.
    /// </summary>
    internal const int ChunkSize = 512 * 1024;

    /// <summary>As much as is read at a time where the system cannot send the file by itself.</summary>
    internal const int BlockSize = 128 * 1024;

    private readonly LoopFile? _file;
    private readonly string _name;

    /// <exception cref="ArgumentException">The range is none.</exception>
    internal FileSource(LoopFile file, long offset, long? count)
        : this(file.Handle, file.Path, offset, count) => _file = file;

    /// <exception cref="ArgumentException">The range is none.</exception>
    internal FileSource(SafeFileHandle handle, long offset, long? count)
        : this(handle, "(a handle)", offset, count)
    {
    }

    private FileSource(SafeFileHandle handle, string name, long offset, long? count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(offset);
        if (count is { } limit)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(limit, nameof(count));
        }

        Handle = handle;
        _name = name;
        Offset = offset;
        Left = count ?? long.MaxValue;
    }

    internal SafeFileHandle Handle { get; }

    /// <summary>Where to go on.</summary>
    internal long Offset { get; private set; }

    /// <summary>How much is still to be sent, if the file has that much.</summary>
    internal long Left { get; private set; }

    internal long Sent { get; private set; }

    /// <summary>How much to send next.</summary>
    internal int NextChunk => (int)Math.Min(Left, ChunkSize);

    /// <summary>Keeps the descriptor open.</summary>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
    internal void Hold()
    {
        if (_file is not null)
        {
            _file.Hold();
            return;
        }

        var isAdded = false;
        Handle.DangerousAddRef(ref isAdded);
    }

    internal void Release()
    {
        if (_file is not null)
        {
            _file.Release();
        }
        else
        {
            Handle.DangerousRelease();
        }
    }

    internal void Advance(int count)
    {
        Sent += count;
        Offset += count;
        Left -= count;
    }

    /// <summary>Reads the next block, on a thread for files. 0 is the end of the file.</summary>
    internal ValueTask<int> ReadAsync(EventLoop loop, byte[] block)
    {
        var operation = loop.RentFileOperation();
        operation.Start(IoFileOperationKind.Read, _name);
        operation.File = Handle;
        operation.Offset = Offset;
        operation.Buffer = block.AsMemory(0, (int)Math.Min(Left, BlockSize));
        operation.Submit();
        return operation.AsCount();
    }

    /// <summary>What is said where the system does not send the file by itself, and nobody else may.</summary>
    internal Exception CreateNotSupported(object target) => Sent > 0
        ? new IOException($"The system would not send file '{_name}' over {target} further than {Sent} bytes, and the fallback is forbidden.")
        : new NotSupportedException(
            $"The system cannot send file '{_name}' over {target} by itself: not with TLS, not with this driver, or not this kind of file. " +
            "Allow the fallback to have it read and sent.");
}

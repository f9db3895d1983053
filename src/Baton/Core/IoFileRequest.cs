using Microsoft.Win32.SafeHandles;

namespace Baton;

/// <summary>One operation on a file or path: what is asked, and how it ended. See <see cref="IoDriver.SubmitFile"/>.</summary>
/// <remarks>
/// Handle and buffers belong to whoever carries the operation out, the driver or a thread, until the operation has ended, whether it was
/// cancelled or not.
/// </remarks>
public abstract class IoFileRequest(EventLoop loop) : LoopOperation(loop)
{
    /// <summary>The <see cref="Error"/> of an operation that was cancelled before it had any effect: ECANCELED.</summary>
    public const int CancelledError = 125;

    /// <summary>What is asked.</summary>
    public IoFileOperationKind Kind { get; set; }

    /// <summary>The file that it is asked of; of an open, the file that was opened.</summary>
    public SafeFileHandle? File { get; set; }

    /// <summary>The path that it is asked of.</summary>
    public string? Path { get; set; }

    /// <summary>The path that a rename leads to.</summary>
    public string? NewPath { get; set; }

    /// <summary>Where in the file, in bytes from its start; the new length of one that is set.</summary>
    public long Offset { get; set; }

    /// <summary>The bytes to fill or to write; pinned by the driver where it must be.</summary>
    public Memory<byte> Buffer { get; set; }

    /// <summary>The buffers of a read into several, in place of <see cref="Buffer"/>; else null.</summary>
    public IReadOnlyList<Memory<byte>>? Buffers { get; set; }

    /// <summary>The buffers of a write of several, in place of <see cref="Buffer"/>; else null.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>>? SourceBuffers { get; set; }

    /// <summary>Of a rename, whether it may replace what is there; of a status, whether it is of a link itself.</summary>
    public bool Flag { get; set; }

    /// <summary>How to open.</summary>
    public FileMode Mode { get; set; }

    /// <summary>What for to open.</summary>
    public FileAccess Access { get; set; }

    /// <summary>What others may do meanwhile: an advisory lock, on Unix.</summary>
    public FileShare Share { get; set; }

    /// <summary>Hints for opening.</summary>
    public FileOptions Options { get; set; }

    /// <summary>Bytes to reserve for a file that is created.</summary>
    public long PreallocationSize { get; set; }

    /// <summary>How it ended: 0 where it worked, else the system's error number.</summary>
    public int Error { get; set; }

    /// <summary>The bytes read or written.</summary>
    public long BytesTransferred { get; set; }

    /// <summary>
    /// Called by the driver, on the loop thread, once the outcome of a request that it took is in the request. Runs no code of users: it
    /// completes the operation, or submits it again, and returns.
    /// </summary>
    public virtual void Finish() => Complete(Error != 0);
}

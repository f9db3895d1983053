using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

/// <summary>
/// What the kernel may use of an operation on a file until it has completed: all of it stays where it is, and the file open.
/// </summary>
internal struct RingFile
{
    private static readonly nint s_empty = Marshal.StringToCoTaskMemUTF8("");

    private GCHandle _root;
    private SafeFileHandle? _handle;
    private MemoryHandle _pin;
    private nint _path;
    private nint _newPath;

    public IoFileRequest? Request;
    public uint Generation;
    public int NextFree;

    /// <summary>Whether it was asked to end early.</summary>
    public bool IsCancelled;

    /// <summary>Holds everything that a request names.</summary>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    internal void Hold(IoFileRequest request)
    {
        var isAdded = false;
        if (request.Kind != IoFileOperationKind.Rename && request.Kind != IoFileOperationKind.Delete)
        {
            request.File?.DangerousAddRef(ref isAdded);
        }

        // Memory that never moves is not held by its pin, and nobody may have kept the driver.
        _root = GCHandle.Alloc(request);
        Request = request;
        IsCancelled = false;
        _handle = isAdded ? request.File : null;
        _pin = request.Buffer.Pin();
        _path = isAdded ? 0 : Marshal.StringToCoTaskMemUTF8(request.Path);
        _newPath = request.NewPath is null ? 0 : Marshal.StringToCoTaskMemUTF8(request.NewPath);
    }

    internal readonly int Descriptor => _handle is null ? -1 : (int)_handle.DangerousGetHandle();

    internal readonly unsafe ulong Buffer => (ulong)_pin.Pointer;

    /// <summary>The path; an empty one where the request is about a file that is open.</summary>
    internal readonly ulong Path => (ulong)(_path == 0 ? s_empty : _path);

    internal readonly ulong NewPath => (ulong)_newPath;

    /// <summary>The kernel has let go of it.</summary>
    internal IoFileRequest Release()
    {
        var request = Request!;
        Request = null;
        _root.Free();
        _pin.Dispose();
        _pin = default;
        _handle?.DangerousRelease();
        _handle = null;
        Marshal.FreeCoTaskMem(_path);
        Marshal.FreeCoTaskMem(_newPath);
        _path = 0;
        _newPath = 0;
        return request;
    }
}

using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

/// <summary>
/// A file as a stream, for the standard streams of a program whose shell has redirected them: there is nothing to wait for, and reads and
/// writes take as long as the system takes.
/// </summary>
internal sealed unsafe class AlwaysReadyFile : UnixFile
{
    private readonly IoDriver _driver;
    private readonly SafeFileHandle _file;
    private IoRequest? _reader;

    private AlwaysReadyFile(IoDriver driver, SafeFileHandle file, FileAccess access)
    {
        _driver = driver;
        _file = file;
        Access = access;
    }

    public override nint Handle => _file.IsClosed ? -1 : _file.DangerousGetHandle();

    public override FileAccess Access { get; }

    public override IoSocketKind Kind => IoSocketKind.File;

    protected override IoBlockPool Blocks => _driver.Blocks;

    /// <summary>
    /// Makes a stream of a descriptor that stands for a file or for the null device, by a descriptor of its own. Null where it stands for
    /// something else.
    /// </summary>
    internal static AlwaysReadyFile? TryOpen(IoDriver driver, int descriptor, FileAccess access)
    {
        if (!AppleDescriptor.IsSeekable(descriptor, out _))
        {
            return null;
        }

        var own = OperatingSystem.IsLinux()
            ? EpollDriver.Check(new LinuxSocketCalls().Duplicate(descriptor), "Opening a standard stream")
            : AppleDescriptor.Duplicate(descriptor);
        return new AlwaysReadyFile(driver, new SafeFileHandle(own, ownsHandle: true), access);
    }

    public override bool Submit(IoRequest request)
    {
        request.Error = SocketError.Success;
        request.BytesTransferred = 0;
        if (_file.IsClosed)
        {
            request.Error = SocketError.OperationAborted;
            return true;
        }

        switch (request.Kind)
        {
            case IoOperationKind.Receive when Access == FileAccess.Write:
                // Whoever reads the file never goes.
                _reader = request;
                return false;
            case IoOperationKind.Receive when !request.Buffer.IsEmpty:
                request.BytesTransferred = TryReceive(request.Buffer.Span, out var error);
                request.Error = error;
                break;
            case IoOperationKind.Send:
                request.BytesTransferred = TrySend(request.Buffer.Span, out error);
                request.Error = error;
                break;
            case IoOperationKind.SendVectored:
                SendVectored(request);
                break;
            case IoOperationKind.Connect or IoOperationKind.Accept:
                request.Error = SocketError.OperationNotSupported;
                break;
        }

        return true;
    }

    public override void Cancel(IoRequest request)
    {
        if (ReferenceEquals(_reader, request))
        {
            _reader = null;
            request.Error = SocketError.OperationAborted;
            request.Finish();
        }
    }

    public override int TryReceive(Span<byte> buffer, out SocketError error)
    {
        if (Access == FileAccess.Write)
        {
            error = SocketError.WouldBlock;
            return 0;
        }

        fixed (byte* start = buffer)
        {
            while (true)
            {
                if (IsOver(LibC.Read((int)Handle, start, (nuint)buffer.Length), out var count, out error))
                {
                    return count;
                }
            }
        }
    }

    public override int TrySend(ReadOnlySpan<byte> bytes, out SocketError error)
    {
        fixed (byte* start = bytes)
        {
            while (true)
            {
                if (IsOver(LibC.Write((int)Handle, start, (nuint)bytes.Length), out var count, out error))
                {
                    return count;
                }
            }
        }
    }

    public override void Shutdown(SocketShutdown how)
    {
    }

    public override void Dispose()
    {
        _file.Dispose();
        if (_reader is { } reader)
        {
            Cancel(reader);
        }
    }

    private static bool IsOver(nint result, out int count, out SocketError error)
    {
        count = (int)Math.Max(result, 0);
        var number = result < 0 ? Marshal.GetLastSystemError() : 0;
        error = Errno.ToSocketError(number);
        return number != Errno.EINTR;
    }

    private void SendVectored(IoRequest request)
    {
        foreach (var buffer in request.Buffers.AsSpan(0, request.BufferCount))
        {
            var count = TrySend(buffer.Span, out var error);
            request.BytesTransferred += count;
            if (count < buffer.Length)
            {
                // What was written before an error is told first; the error is met again.
                request.Error = request.BytesTransferred > 0 ? SocketError.Success : error;
                return;
            }
        }
    }
}

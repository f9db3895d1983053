using System.Diagnostics;
using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>
/// An end of a pipe, a terminal or a device of <see cref="PortableDriver"/>: tried first, and then waited for by its thread.
/// </summary>
internal sealed partial class PortableFile : UnixFile
{
    private readonly PortableDriver _driver;
    private readonly LinuxDescriptor _adopted;
    private readonly Wait _readWait;
    private readonly Wait _writeWait;
    private int _descriptor;
    private IoRequest? _reader;
    private IoRequest? _writer;

    internal PortableFile(PortableDriver driver, LinuxDescriptor adopted)
    {
        _driver = driver;
        _adopted = adopted;
        _descriptor = adopted.Descriptor;
        _readWait = new Wait(this, isWriter: false);
        _writeWait = new Wait(this, isWriter: true);
    }

    public override nint Handle => _descriptor;

    public override FileAccess Access => _adopted.Access;

    public override IoSocketKind Kind => _adopted.Kind;

    protected override IoBlockPool Blocks => _driver.Blocks;

    public override bool Submit(IoRequest request)
    {
        request.Error = SocketError.Success;
        request.BytesTransferred = 0;
        if (_descriptor < 0)
        {
            request.Error = SocketError.OperationAborted;
            return true;
        }

        if (request.Kind is IoOperationKind.Connect or IoOperationKind.Accept)
        {
            request.Error = SocketError.OperationNotSupported;
            return true;
        }

        if (request.Kind == IoOperationKind.Receive)
        {
            Debug.Assert(_reader is null, "the caller keeps to one request a direction");
            if (TryRead(request))
            {
                return true;
            }

            _reader = request;
            _readWait.Arm();
            return false;
        }

        Debug.Assert(_writer is null, "the caller keeps to one request a direction");
        if (TryWrite(request))
        {
            return true;
        }

        _writer = request;
        _writeWait.Arm();
        return false;
    }

    public override void Cancel(IoRequest request)
    {
        if (ReferenceEquals(_reader, request))
        {
            _reader = null;
            _driver.Poller.Disarm(_readWait);
        }
        else if (ReferenceEquals(_writer, request))
        {
            _writer = null;
            _driver.Poller.Disarm(_writeWait);
        }
        else
        {
            return;
        }

        request.Error = SocketError.OperationAborted;
        request.Finish();
    }

    public override void Dispose()
    {
        if (_descriptor < 0)
        {
            return;
        }

        var descriptor = _descriptor;
        _descriptor = -1;
        if (_reader is { } reader)
        {
            Cancel(reader);
        }

        if (_writer is { } writer)
        {
            Cancel(writer);
        }

        _driver.Remove(this);
        if (_adopted.Restoration is { } restoration && restoration.End())
        {
            if (OperatingSystem.IsLinux())
            {
                _driver.UnixCalls.SetBlocking(descriptor);
            }
            else
            {
                AppleDescriptor.SetBlocking(descriptor);
            }
        }

        _driver.UnixCalls.Close(descriptor);
    }

    /// <summary>Who reads from a pipe is told of the end when it is closed, and by nothing else.</summary>
    public override void Shutdown(SocketShutdown how)
    {
        if (Access == FileAccess.Write && how != SocketShutdown.Receive)
        {
            Dispose();
        }
    }
}

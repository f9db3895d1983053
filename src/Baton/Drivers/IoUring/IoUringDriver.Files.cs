namespace Baton.Drivers;

// Files: what the kernel can do without a thread of ours. Opening and closing stay with the threads for files, because the BCL locks, and
// may delete, what it opens; so do reads into several buffers, which are to be complete, and a rename that must not replace anything, which
// not every file system can do.
public sealed unsafe partial class IoUringDriver
{
    private const int CurrentDirectory = -100; // AT_FDCWD
    private const uint OfTheFileItself = 0x1000; // AT_EMPTY_PATH
    private const uint DoNotFollow = 0x100; // AT_SYMLINK_NOFOLLOW
    private const uint BasicAndBirth = 0x7FF | 0x800; // STATX_BASIC_STATS | STATX_BTIME
    private const uint DataOnly = 1; // IORING_FSYNC_DATASYNC
    private const int ReadOnlySystem = 30; // EROFS
    private const int NotSeekable = 29; // ESPIPE

    private RingFile[] _files = [];
    private int _usedFiles;
    private int _freeFile = -1;

    /// <inheritdoc/>
    public override bool SubmitFile(IoFileRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (!CanDo(request))
        {
            return false;
        }

        if (_ring.IsForeign)
        {
            MoveToThisThread();
        }

        request.Error = 0;
        request.BytesTransferred = 0;
        var index = TakeFile();
        try
        {
            _files[index].Hold(request);
        }
        catch
        {
            FreeFile(index);
            throw;
        }

        PushFile(index, (ulong)request.Offset);
        return true;
    }

    /// <inheritdoc/>
    public override void CancelFile(IoFileRequest request)
    {
        for (var i = 0; i < _usedFiles; i++)
        {
            ref var file = ref _files[i];
            if (ReferenceEquals(file.Request, request))
            {
                file.IsCancelled = true;
                PushCancel(FileDataOf(i));
                return;
            }
        }
    }

    private bool CanDo(IoFileRequest request)
    {
        var operation = request.Kind switch
        {
            IoFileOperationKind.Read when request.Buffers is null => RingOperation.Read,
            IoFileOperationKind.Write when request.SourceBuffers is null => RingOperation.Write,
            IoFileOperationKind.Flush or IoFileOperationKind.FlushData => RingOperation.Flush,
            IoFileOperationKind.Status when request.Buffer.Length >= FileIdentity.StatusSize => RingOperation.Status,
            IoFileOperationKind.SetLength => RingOperation.SetLength,
            IoFileOperationKind.Rename when request.Flag => RingOperation.Rename,
            IoFileOperationKind.Delete => RingOperation.Delete,
            _ => RingOperation.Nothing,
        };
        return operation != RingOperation.Nothing && (_operations & (1UL << (int)operation)) != 0;
    }

    private void PushFile(int index, ulong offset)
    {
        ref readonly var file = ref _files[index];
        var request = file.Request!;
        var entry = new RingEntry { Descriptor = file.Descriptor, Data = FileDataOf(index) };
        switch (request.Kind)
        {
            case IoFileOperationKind.Read or IoFileOperationKind.Write:
                entry.Operation = request.Kind == IoFileOperationKind.Read ? RingOperation.Read : RingOperation.Write;
                entry.Address = file.Buffer;
                entry.Length = (uint)request.Buffer.Length;
                entry.Offset = offset;
                break;
            case IoFileOperationKind.Flush or IoFileOperationKind.FlushData:
                entry.Operation = RingOperation.Flush;
                entry.OperationFlags = request.Kind == IoFileOperationKind.FlushData ? DataOnly : 0;
                break;
            case IoFileOperationKind.SetLength:
                entry.Operation = RingOperation.SetLength;
                entry.Offset = offset;
                break;
            case IoFileOperationKind.Status:
                entry.Operation = RingOperation.Status;
                entry.Descriptor = request.File is null ? CurrentDirectory : file.Descriptor;
                entry.Address = file.Path;
                entry.Length = BasicAndBirth;
                entry.Offset = file.Buffer;
                entry.OperationFlags = request.File is not null ? OfTheFileItself : request.Flag ? DoNotFollow : 0;
                break;
            case IoFileOperationKind.Rename:
                entry.Operation = RingOperation.Rename;
                entry.Descriptor = CurrentDirectory;
                entry.Address = file.Path;
                entry.Length = unchecked((uint)CurrentDirectory);
                entry.Offset = file.NewPath;
                break;
            default:
                entry.Operation = RingOperation.Delete;
                entry.Descriptor = CurrentDirectory;
                entry.Address = file.Path;
                break;
        }

        Push(entry);
    }

    private void OnFile(uint index, uint generation, int result)
    {
        if (index >= (uint)_files.Length || _files[index].Generation != generation || _files[index].Request is not { } request)
        {
            return;
        }

        var isTransfer = request.Kind is IoFileOperationKind.Read or IoFileOperationKind.Write;
        switch (result)
        {
            case -Errno.EINTR or -Errno.EAGAIN when !_files[index].IsCancelled:
                PushFile((int)index, (ulong)request.Offset);
                return;
            case -NotSeekable when isTransfer:
                // A pipe, say: it has no places, only a next byte.
                PushFile((int)index, ulong.MaxValue);
                return;
            case -Errno.EINTR:
                result = -Errno.ECANCELED;
                break;
            case -ReadOnlySystem or -Errno.EINVAL or -Errno.EOPNOTSUPP when request.Kind == IoFileOperationKind.Flush:
                // It has nothing to flush, which to the BCL is no error.
                result = 0;
                break;
        }

        FinishFile((int)index, result);
    }

    private void FinishFile(int index, int result)
    {
        var request = _files[index].Release();
        FreeFile(index);
        request.Error = result < 0 ? -result : 0;
        request.BytesTransferred = Math.Max(result, 0);
        request.Finish();
    }

    /// <summary>The ring is gone, and what the kernel still does in it nobody can tell: everything stays as it is for good.</summary>
    private void AbandonFiles()
    {
        var files = _files;
        var count = _usedFiles;
        _files = [];
        _usedFiles = 0;
        _freeFile = -1;
        Abandon(files);
        for (var i = 0; i < count; i++)
        {
            if (files[i].Request is { } request)
            {
                request.Error = IoFileRequest.CancelledError;
                request.Finish();
            }
        }
    }

    private ulong FileDataOf(int index) => (uint)index | KindFile | ((ulong)_files[index].Generation << 32);

    private int TakeFile()
    {
        var index = _freeFile;
        if (index >= 0)
        {
            _freeFile = _files[index].NextFree;
            return index;
        }

        index = _usedFiles++;
        if (index == _files.Length)
        {
            Array.Resize(ref _files, Math.Max(8, index * 2));
        }

        return index;
    }

    private void FreeFile(int index)
    {
        ref var file = ref _files[index];
        file.Generation++;
        file.NextFree = _freeFile;
        _freeFile = index;
    }
}

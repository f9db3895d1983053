using System.Threading.Tasks.Sources;
using Microsoft.Win32.SafeHandles;

namespace Baton;

/// <summary>One operation on a file or path, on its way to a thread for files, or to the driver, and back. Pooled by the loop.</summary>
/// <remarks>
/// The stage is what the two threads agree by. The thread for files moves it from queued to running to finished; the loop's thread moves it
/// from queued, and where nothing of the caller's is in use also from running, to abandoned. The request belongs to the thread for files
/// from running until it has posted the arrival, and to the loop's otherwise. One that was abandoned is not used again: that thread may
/// still know of it.
/// </remarks>
internal sealed partial class FileOperation
    : IoFileRequest, IValueTaskSource<int>, IValueTaskSource<long>, IValueTaskSource<bool>, IValueTaskSource<SafeFileHandle>,
        IValueTaskSource<FileStatus>
{
    private static readonly Action<object?> Work = static operation => ((FileOperation)operation!).Execute();

    private readonly Arrival _arrival;
    private LoopFile? _owner;
    private string? _name;
    private string? _cancelMessage;
    private Exception? _failure;
    private FileStatus? _status;
    private int _stage;
    private bool _isFound;
    private bool _isWithDriver;
    private bool _isCancelled;
    private bool _movesPosition;
    private long _written;

    internal FileOperation(EventLoop loop)
        : base(loop) => _arrival = new Arrival(this);

    private static class Stage
    {
        internal const int Queued = 0;
        internal const int Running = 1;
        internal const int Finished = 2;
        internal const int Abandoned = 3;
    }

    /// <summary>The next free one in the loop's pool.</summary>
    internal FileOperation? NextFree { get; set; }

    /// <summary>
    /// Whether to give up the wait does no harm, whatever the thread is in the middle of: nothing of the caller's is in use.
    /// </summary>
    private bool MayBeAbandoned => Kind == IoFileOperationKind.Open || (Kind == IoFileOperationKind.Status && _owner is null);

    /// <summary>Starts a use.</summary>
    /// <param name="kind">What to do.</param>
    /// <param name="name">The path in reports.</param>
    /// <param name="owner">The file that must not be closed meanwhile.</param>
    /// <param name="movesPosition">Whether the file's position follows what is read or written.</param>
    internal void Start(IoFileOperationKind kind, string name, LoopFile? owner = null, bool movesPosition = false)
    {
        Begin();
        Kind = kind;
        Error = 0;
        BytesTransferred = 0;
        _name = name;
        _owner = owner;
        _movesPosition = movesPosition;
        _written = 0;
        _isCancelled = false;
        _isFound = true;
        _isWithDriver = false;
        _stage = Stage.Queued;
    }

    /// <summary>Hands the operation to whoever carries it out.</summary>
    internal void Submit()
    {
        try
        {
            _isWithDriver = !Loop.HasOwnFileExecutor && Loop.Driver.SubmitFile(this);
            if (!_isWithDriver)
            {
                Loop.FileExecutor.Execute(Work, this);
            }
        }
        catch
        {
            EndForOwner();
            EndSynchronously();
            throw;
        }
    }

    internal ValueTask AsVoid() => new(this, Token);

    internal ValueTask<int> AsCount() => new(this, Token);

    internal ValueTask<long> AsLongCount() => new(this, Token);

    internal ValueTask<bool> AsFound() => new(this, Token);

    internal ValueTask<SafeFileHandle> AsHandle() => new(this, Token);

    internal ValueTask<FileStatus> AsStatus() => new(this, Token);

    /// <summary>The driver has done it, or a part.</summary>
    public override void Finish()
    {
        if (Kind == IoFileOperationKind.Write && Error == 0 && SourceBuffers is null && BytesTransferred < Buffer.Length)
        {
            if (BytesTransferred > 0)
            {
                GoOnWriting();
                return;
            }

            Error = InputOutputError;
        }

        BytesTransferred += _written;
        OnEnded();
    }

    int IValueTaskSource<int>.GetResult(short token) => (int)TakeCount(token);

    long IValueTaskSource<long>.GetResult(short token) => TakeCount(token);

    bool IValueTaskSource<bool>.GetResult(short token)
    {
        EndUse(token);
        if (Kind == IoFileOperationKind.Delete && Error == NoSuchFile)
        {
            Error = 0;
            _isFound = false;
        }

        var isFound = _isFound;
        OnResultTaken();
        return isFound;
    }

    SafeFileHandle IValueTaskSource<SafeFileHandle>.GetResult(short token)
    {
        EndUse(token);
        var file = File;
        OnResultTaken();
        return file!;
    }

    FileStatus IValueTaskSource<FileStatus>.GetResult(short token)
    {
        EndUse(token);
        var status = _status ?? (HasFailed ? null : FileStatus.Parse(Buffer.Span));
        OnResultTaken();
        return status!;
    }

    protected override void OnResultTaken()
    {
        var failure = HasFailed ? CreateFailure() : null;
        if (!IsAbandoned)
        {
            File = null;
            Path = null;
            NewPath = null;
            Buffer = default;
            Buffers = null;
            SourceBuffers = null;
            _name = null;
            _failure = null;
            _status = null;
            Loop.Return(this);
        }

        if (failure is not null)
        {
            throw failure;
        }
    }

    /// <summary>
    /// What still stands in line never happens. What a thread has begun is waited for, and its result delivered: it works on the caller's
    /// memory, and a write or a rename that has happened has happened. Only an open, or a look at a path, is left to itself.
    /// </summary>
    protected override bool RequestCancel(string? message)
    {
        _cancelMessage = message;
        if (_isWithDriver)
        {
            _isCancelled = true;
            Loop.Driver.CancelFile(this);
            return true;
        }

        var stage = Interlocked.CompareExchange(ref _stage, Stage.Abandoned, Stage.Queued);
        if (stage == Stage.Running && MayBeAbandoned)
        {
            stage = Interlocked.CompareExchange(ref _stage, Stage.Abandoned, Stage.Running);
            stage = stage == Stage.Running ? Stage.Queued : Stage.Finished;
        }

        if (stage != Stage.Queued)
        {
            return false;
        }

        OnEnded();
        return true;
    }

    internal override string Describe() => $"{FileFailure.NameOf(Kind)} '{_name}'";

    /// <summary>Whether the thread for files may still know of it. What that writes does not count any more.</summary>
    private bool IsAbandoned => Volatile.Read(ref _stage) == Stage.Abandoned;

    private bool HasFailed => IsAbandoned || _failure is not null || Error != 0;

    private long TakeCount(short token)
    {
        EndUse(token);
        var count = BytesTransferred;
        OnResultTaken();
        return count;
    }

    private Exception CreateFailure()
    {
        if (IsAbandoned || (_isCancelled && Error == CancelledError))
        {
            return new CancelledException(_cancelMessage);
        }

        var operation = Kind == IoFileOperationKind.Rename ? $"{Describe()} to '{NewPath}'" : Describe();
        return _failure is { } failure ? FileFailure.Wrap(failure, operation, _name) : FileFailure.Create(Error, operation, _name);
    }

    private void GoOnWriting()
    {
        var written = (int)BytesTransferred;
        _written += written;
        Offset += written;
        Buffer = Buffer[written..];
        _isWithDriver = false;
        Submit();
    }

    private void OnEnded()
    {
        EndForOwner();
        Complete(HasFailed && !(Kind == IoFileOperationKind.Delete && Error == NoSuchFile));
    }

    private void EndForOwner()
    {
        if (_owner is { } owner)
        {
            _owner = null;
            owner.OnEnded(this, _movesPosition);
        }
    }

    /// <summary>The outcome on its way from a thread for files to the loop.</summary>
    private sealed class Arrival(FileOperation operation) : LoopItem, EventLoop.IAbandonable
    {
        internal override void Run(EventLoop loop)
        {
            loop.EnterCallback(null);
            operation.OnEnded();
        }

        internal override string Describe() => operation.Describe();

        void EventLoop.IAbandonable.Abandon() => operation.Drop();
    }
}

namespace Baton;

// The threads on which the loop's files are worked on, and the operations in stock for that.
public sealed partial class EventLoop
{
    private readonly int _fileThreads;
    private IExecutor? _fileExecutor;
    private FileOperation? _freeFileOperations;

    /// <summary>The threads for files: the loop's own are made at first use, and shut down with it.</summary>
    internal IExecutor FileExecutor => _fileExecutor ?? CreateFileExecutor();

    /// <summary>Whether the options say who is to work on files: then the driver is not asked.</summary>
    internal bool HasOwnFileExecutor { get; }

    /// <summary>Lends an operation, to be given back when nobody else knows of it any more.</summary>
    internal FileOperation RentFileOperation()
    {
        CheckThread();
        CheckOpen();
        if (_freeFileOperations is not { } operation)
        {
            return new FileOperation(this);
        }

        _freeFileOperations = operation.NextFree;
        operation.NextFree = null;
        return operation;
    }

    internal void Return(FileOperation operation)
    {
        operation.NextFree = _freeFileOperations;
        _freeFileOperations = operation;
    }

    private ThreadPoolExecutor CreateFileExecutor()
    {
        CheckThread();
        CheckOpen();
        var executor = new ThreadPoolExecutor(_fileThreads, $"{Name} files");
        Closed += () => _ = executor.Shutdown();
        _fileExecutor = executor;
        return executor;
    }
}

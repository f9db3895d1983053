namespace Baton;

// Opening, and what is done with paths.
public sealed partial class LoopFile
{
    /// <summary>Opens a file, as <see cref="File.OpenHandle"/> does. Leaves the loop's thread.</summary>
    /// <param name="path">The path; a relative one from the current directory.</param>
    /// <param name="mode">
    /// How to open. <see cref="FileMode.Append"/> opens or creates, and begins at the end; it does not keep others from writing there
    /// first.
    /// </param>
    /// <param name="access">What for.</param>
    /// <param name="share">What others may do meanwhile; on Unix an advisory lock, among programs that ask for one.</param>
    /// <param name="options">Hints to the system. <see cref="FileOptions.Asynchronous"/> does not matter here.</param>
    /// <param name="preallocationSize">Bytes to reserve for a file that is created.</param>
    /// <remarks>
    /// Cancelled, the wait ends at once, also where the system takes its time: what it opens after that is closed, but a file may have been
    /// created, or emptied.
    /// </remarks>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    /// <exception cref="DirectoryNotFoundException">A directory on the way is not there.</exception>
    /// <exception cref="UnauthorizedAccessException">It is not permitted, or this is a directory.</exception>
    /// <exception cref="IOException">The system could not open it, or somebody else has locked it.</exception>
    public static async Coroutine<LoopFile> OpenAsync(
        string path,
        FileMode mode = FileMode.Open,
        FileAccess access = FileAccess.Read,
        FileShare share = FileShare.Read,
        FileOptions options = FileOptions.None,
        long preallocationSize = 0)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var loop = EventLoop.Current;
        loop.ThrowIfCancelDue();
        var operation = loop.RentFileOperation();
        operation.Start(IoFileOperationKind.Open, path);
        operation.Path = System.IO.Path.GetFullPath(path);
        operation.Mode = mode;
        operation.Access = access;
        operation.Share = share;
        operation.Options = options & ~FileOptions.Asynchronous;
        operation.PreallocationSize = preallocationSize;
        operation.Submit();
        var file = new LoopFile(loop, await operation.AsHandle(), path);
        if (mode == FileMode.Append)
        {
            try
            {
                file._position = (await file.StatAsync()).Length;
            }
            catch
            {
                file.Dispose();
                throw;
            }
        }

        return file;
    }

    /// <summary>Asks what is at a path. Corresponds to <c>os.stat</c> and <c>os.lstat</c>. Leaves the loop's thread.</summary>
    /// <param name="path">The path.</param>
    /// <param name="followLink">Whether a link stands for what it leads to.</param>
    /// <exception cref="FileNotFoundException">There is nothing.</exception>
    /// <exception cref="IOException">The system could not tell.</exception>
    public static async Coroutine<FileStatus> StatAsync(string path, bool followLink = true)
    {
        var operation = Rent(IoFileOperationKind.Status, path);
        operation.Flag = !followLink;
        operation.Buffer = new byte[FileStatus.RawSize];
        operation.Submit();
        return await operation.AsStatus();
    }

    /// <summary>
    /// Gives a file or directory another name, within its file system, in one step: at any time there is the one or the other. Corresponds
    /// to <c>os.replace</c>. Leaves the loop's thread.
    /// </summary>
    /// <param name="path">The path that it has.</param>
    /// <param name="newPath">The path that it is to have.</param>
    /// <param name="replace">
    /// Whether it takes the place of a file that is there. Where not, and there is one, nothing happens but the failure.
    /// </param>
    /// <exception cref="FileNotFoundException">There is nothing at the path.</exception>
    /// <exception cref="UnauthorizedAccessException">It is not permitted.</exception>
    /// <exception cref="IOException">
    /// There is something at the new path, which is not to be replaced or cannot be, or it is on another file system.
    /// </exception>
    public static async Coroutine RenameAsync(string path, string newPath, bool replace = true)
    {
        ArgumentException.ThrowIfNullOrEmpty(newPath);
        var operation = Rent(IoFileOperationKind.Rename, path);
        operation.NewPath = newPath;
        operation.Flag = replace;
        operation.Submit();
        await operation.AsVoid();
    }

    /// <summary>
    /// Deletes a file; one that is open stays until it is closed. Corresponds to <c>os.unlink</c>. Leaves the loop's thread.
    /// </summary>
    /// <param name="path">The path.</param>
    /// <returns>Whether there was one.</returns>
    /// <exception cref="UnauthorizedAccessException">It is not permitted.</exception>
    /// <exception cref="IOException">The system could not do it; this is a directory, say.</exception>
    public static async Coroutine<bool> DeleteAsync(string path)
    {
        var operation = Rent(IoFileOperationKind.Delete, path);
        operation.Submit();
        return await operation.AsFound();
    }

    /// <summary>Reads a file whole. Leaves the loop's thread, once for each step.</summary>
    /// <param name="path">The path.</param>
    /// <inheritdoc cref="OpenAsync"/>
    public static async Coroutine<byte[]> ReadAllBytesAsync(string path)
    {
        await using var file = await OpenAsync(path, options: FileOptions.SequentialScan);
        return await file.ReadAllAsync();
    }

    /// <summary>
    /// Writes a file whole, in the place of what it held; where there is none, it is created. Leaves the loop's thread, once for each step.
    /// </summary>
    /// <param name="path">The path.</param>
    /// <param name="bytes">What to write; must not change until this completes.</param>
    /// <remarks>
    /// When this fails or is cancelled, the file may be empty or hold a part. To be safe from that, write another file and rename it.
    /// </remarks>
    /// <inheritdoc cref="OpenAsync"/>
    public static async Coroutine WriteAllBytesAsync(string path, ReadOnlyMemory<byte> bytes)
    {
        await using var file = await OpenAsync(path, FileMode.Create, FileAccess.Write);
        await file.WriteAsync(bytes);
    }

    /// <summary>Creates a directory, and those on the way to it; one that is there already stays. Leaves the loop's thread.</summary>
    /// <param name="path">The path.</param>
    /// <remarks>Cancelled, the wait ends at once, and the directory may come to be all the same.</remarks>
    /// <exception cref="UnauthorizedAccessException">It is not permitted.</exception>
    /// <exception cref="IOException">The system could not do it; there is a file of that name, say.</exception>
    public static async Coroutine CreateDirectoryAsync(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var loop = EventLoop.Current;
        await loop.RunInExecutor(() => { _ = Directory.CreateDirectory(path); }, loop.FileExecutor);
    }

    /// <summary>
    /// Lists the names in a directory, in no particular order. Corresponds to <c>os.listdir</c>. Leaves the loop's thread.
    /// </summary>
    /// <param name="path">The path.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such directory.</exception>
    /// <exception cref="UnauthorizedAccessException">It is not permitted.</exception>
    /// <exception cref="IOException">The system could not do it.</exception>
    public static async Coroutine<IReadOnlyList<string>> ListAsync(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var loop = EventLoop.Current;
        return await loop.RunInExecutor(
            () => Directory.EnumerateFileSystemEntries(path).Select(static entry => System.IO.Path.GetFileName(entry)).ToArray(),
            loop.FileExecutor);
    }

    private static FileOperation Rent(IoFileOperationKind kind, string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        var loop = EventLoop.Current;
        loop.ThrowIfCancelDue();
        var operation = loop.RentFileOperation();
        operation.Start(kind, path);
        operation.Path = path;
        return operation;
    }
}

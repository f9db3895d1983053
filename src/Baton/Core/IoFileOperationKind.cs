namespace Baton;

/// <summary>What an <see cref="IoFileRequest"/> asks for.</summary>
public enum IoFileOperationKind
{
    /// <summary>
    /// Open <see cref="IoFileRequest.Path"/> as <see cref="IoFileRequest.Mode"/>, <see cref="IoFileRequest.Access"/>,
    /// <see cref="IoFileRequest.Share"/>, <see cref="IoFileRequest.Options"/> and <see cref="IoFileRequest.PreallocationSize"/> say, into
    /// <see cref="IoFileRequest.File"/>.
    /// </summary>
    Open,

    /// <summary>Close <see cref="IoFileRequest.File"/>, whose handle is invalid afterwards.</summary>
    Close,

    /// <summary>
    /// Read at <see cref="IoFileRequest.Offset"/> up to the length of <see cref="IoFileRequest.Buffer"/>, or of all
    /// <see cref="IoFileRequest.Buffers"/> where they are set. 0 bytes are the end of the file.
    /// </summary>
    Read,

    /// <summary>
    /// Write <see cref="IoFileRequest.Buffer"/>, or all <see cref="IoFileRequest.SourceBuffers"/> where they are set, at
    /// <see cref="IoFileRequest.Offset"/>. A driver may write less of the one buffer, but not nothing.
    /// </summary>
    Write,

    /// <summary>Have the device keep what was written, with all that is known of the file: fsync.</summary>
    Flush,

    /// <summary>Have the device keep what was written, with what it takes to read it again: fdatasync.</summary>
    FlushData,

    /// <summary>
    /// Fill <see cref="IoFileRequest.Buffer"/>, of 256 bytes, with Linux's <c>struct statx</c> of <see cref="IoFileRequest.File"/>, or
    /// where that is null of <see cref="IoFileRequest.Path"/>, without following a link there where <see cref="IoFileRequest.Flag"/> is
    /// set.
    /// </summary>
    Status,

    /// <summary>Make the file <see cref="IoFileRequest.Offset"/> bytes long: ftruncate.</summary>
    SetLength,

    /// <summary>
    /// Rename <see cref="IoFileRequest.Path"/> to <see cref="IoFileRequest.NewPath"/>; in the place of what is there only where
    /// <see cref="IoFileRequest.Flag"/> is set.
    /// </summary>
    Rename,

    /// <summary>Remove the name <see cref="IoFileRequest.Path"/> of a file: unlink.</summary>
    Delete,
}

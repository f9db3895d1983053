namespace Baton;

// Files, for drivers that have the system do them.
public abstract partial class IoDriver
{
    /// <summary>
    /// Starts an operation on a file or path. True where the driver has taken it: then <see cref="IoFileRequest.Finish"/> is called later,
    /// on the loop thread and never from inside this call. False, and nothing else done, where the driver does not do such operations: a
    /// thread of the loop's for files then does it.
    /// </summary>
    public virtual bool SubmitFile(IoFileRequest request) => false;

    /// <summary>
    /// Asks for an operation that <see cref="SubmitFile"/> has taken to end early. It is finished all the same, exactly once, now or later:
    /// as it ended, or, where it has had no effect, with <see cref="IoFileRequest.CancelledError"/>.
    /// </summary>
    public virtual void CancelFile(IoFileRequest request)
    {
    }
}

namespace Baton.Drivers;

// Files that are sent.
public unsafe partial class LinuxSocketCalls
{
    /// <summary>Sends bytes of a file to a socket; the file's own position does not matter and stays.</summary>
    /// <returns>The bytes sent; 0 at the end of the file.</returns>
    public virtual int SendFile(int descriptor, int file, long offset, int count)
    {
        if (!Environment.Is64BitProcess)
        {
            // What an offset is, there, depends on the C library.
            return -Errno.ENOSYS;
        }

        return Result(LibC.SendFile(descriptor, file, &offset, (nuint)count));
    }
}

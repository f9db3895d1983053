using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Baton;

// Files that the system sends by itself.
public abstract partial class IoSocket
{
    /// <summary>
    /// Sends bytes of a file, without them passing through this process, and without waiting for room. The file's own position stays as it
    /// is.
    /// </summary>
    /// <param name="file">The file.</param>
    /// <param name="offset">Where in the file.</param>
    /// <param name="count">How many bytes at most; not 0.</param>
    /// <param name="error">
    /// <see cref="SocketError.WouldBlock"/> where there is no room for a single byte; then submit a
    /// <see cref="IoOperationKind.WaitToSend"/>. <see cref="SocketError.OperationNotSupported"/> where the driver, the system or this file
    /// does not allow it, or the file cannot be read: then read the file, and send what was read, which also tells what is wrong with it.
    /// </param>
    /// <returns>The bytes taken by the system; 0 without an error is the end of the file.</returns>
    public virtual int TrySendFile(SafeFileHandle file, long offset, int count, out SocketError error)
    {
        error = SocketError.OperationNotSupported;
        return 0;
    }
}

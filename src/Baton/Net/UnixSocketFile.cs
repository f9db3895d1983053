using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using Baton.Drivers;
using Microsoft.Win32.SafeHandles;

namespace Baton;

/// <summary>
/// The file by which a local socket is found. It is made by binding, in the place of one that was left behind by a socket that is no more,
/// and deleted before the socket is closed, if it is still the same file.
/// </summary>
/// <remarks>
/// Before, and not after: while the socket is open its file keeps its number, so that another file cannot be taken for it; and nobody takes
/// it for one that was left behind. Between the last look at a file and its deletion there is a moment that the system gives no means to
/// close: against servers of the same kind a lock on the directory does.
/// </remarks>
internal sealed class UnixSocketFile
{
    private const int Attempts = 8;

    private readonly string _path;
    private readonly FileIdentity _identity;

    private UnixSocketFile(string path, FileIdentity identity)
    {
        _path = path;
        _identity = identity;
    }

    /// <summary>Binds a socket to a path or an abstract name, and makes it answer for the file.</summary>
    /// <param name="socket">The socket; new.</param>
    /// <param name="endPoint">Where.</param>
    /// <param name="mode">Who may connect; null leaves that to the process's file mode creation mask.</param>
    /// <param name="keep">Whether the file stays when the socket is closed.</param>
    /// <exception cref="SocketException">
    /// A socket that is in use, or a file that is no socket, is there already, or the system refused.
    /// </exception>
    internal static void Bind(LoopSocket socket, EndPoint endPoint, UnixFileMode? mode, bool keep)
    {
        var path = PathOf(endPoint);
        if (path is null)
        {
            socket.Bind(endPoint);
            return;
        }

        if (mode is { } before)
        {
            if (OperatingSystem.IsWindows())
            {
                throw new PlatformNotSupportedException(
                    "The files of local sockets have no mode on Windows: leave ServerOptions.SocketFileMode unset.");
            }

            // So that there is no moment in which the file has more than these; the system takes the mode of the socket for that of the
            // file.
            SetMode(socket, before, endPoint);
        }

        BindInPlaceOfStale(socket, endPoint, path);
        if (!keep)
        {
            Adopt(socket, path);
        }

        if (mode is { } after && !OperatingSystem.IsWindows())
        {
            // What the mask has taken away. Nobody can connect yet: the socket does not listen.
            SetMode(path, after, endPoint);
        }
    }

    /// <summary>Makes a socket that is bound already answer for its file, if it has one.</summary>
    internal static void Adopt(LoopSocket socket)
    {
        if (socket.LocalEndPoint is { } endPoint && PathOf(endPoint) is { } path)
        {
            Adopt(socket, path);
        }
    }

    /// <summary>Deletes the file if it is still the socket's own, which is open yet.</summary>
    internal void Delete(EventLoop loop)
    {
        if (FileIdentity.Read(_path) != _identity)
        {
            return;
        }

        try
        {
            File.Delete(_path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            LoopLog.SocketFileLeft(loop.Logger, loop.Name, _path, exception);
        }
    }

    private static void Adopt(LoopSocket socket, string path)
    {
        if (FileIdentity.Read(path) is { IsSocket: true } identity)
        {
            socket.SocketFile = new UnixSocketFile(path, identity);
        }
    }

    private static void BindInPlaceOfStale(LoopSocket socket, EndPoint endPoint, string path)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                socket.Bind(endPoint);
                return;
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
            {
                if (DeleteStale(endPoint, path) is { } obstacle)
                {
                    throw new SocketException((int)SocketError.AddressAlreadyInUse, $"{exception.Message}: {obstacle}");
                }

                if (attempt == Attempts)
                {
                    throw;
                }
            }
        }
    }

    /// <summary>
    /// Deletes the file of a socket that is no more. Returns why not, or null when the path is free, as far as can be told.
    /// </summary>
    private static string? DeleteStale(EndPoint endPoint, string path)
    {
        if (!OperatingSystem.IsLinux())
        {
            return "if the file was left behind by an earlier server, delete it first; here nobody can tell";
        }

        using var directoryLock = DirectoryLock.Take(Path.GetDirectoryName(path)!);
        if (directoryLock.IsBusy)
        {
            return "another program has locked the directory";
        }

        if (FileIdentity.Read(path) is not { } found)
        {
            return null;
        }

        if (!found.IsSocket)
        {
            return "the file that is there is no socket";
        }

        if (IsInUse(endPoint))
        {
            return "the socket that is there is in use";
        }

        if (FileIdentity.Read(path) != found)
        {
            return null;
        }

        try
        {
            File.Delete(path);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"the socket that is there was left behind and cannot be deleted: {exception.Message}";
        }
    }

    /// <summary>
    /// Whether a socket has the file. Asked by a connect for datagrams, which never waits and of which a listening socket notices nothing:
    /// the system refuses it in one way for want of a socket and in another because of the type.
    /// </summary>
    private static bool IsInUse(EndPoint endPoint)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            probe.Connect(endPoint);
            return true;
        }
        catch (SocketException exception)
        {
            return exception.SocketErrorCode != SocketError.ConnectionRefused;
        }
    }

    /// <summary>The full path, since the directory of the process may change; null for an abstract name and for other families.</summary>
    private static string? PathOf(EndPoint endPoint)
    {
        if (endPoint.AddressFamily != AddressFamily.Unix)
        {
            return null;
        }

        // By the address and not by its text, in which a path that begins with @ looks like an abstract name.
        var address = endPoint.Serialize();
        var bytes = address.Buffer.Span[..address.Size][sizeof(ushort)..];
        var length = bytes.IndexOf((byte)0);
        bytes = length < 0 ? bytes : bytes[..length];
        return bytes.IsEmpty ? null : Path.GetFullPath(Encoding.UTF8.GetString(bytes));
    }

    [UnsupportedOSPlatform("windows")]
    private static void SetMode(LoopSocket socket, UnixFileMode mode, EndPoint endPoint)
    {
        using var handle = new SafeFileHandle(socket.Handle, ownsHandle: false);
        try
        {
            File.SetUnixFileMode(handle, mode);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CreateModeFailure(endPoint, exception);
        }
    }

    [UnsupportedOSPlatform("windows")]
    private static void SetMode(string path, UnixFileMode mode, EndPoint endPoint)
    {
        try
        {
            if (File.GetUnixFileMode(path) != mode)
            {
                File.SetUnixFileMode(path, mode);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw CreateModeFailure(endPoint, exception);
        }
    }

    private static SocketException CreateModeFailure(EndPoint endPoint, Exception exception) =>
        new((int)SocketError.AccessDenied, $"Setting the mode of {endPoint} failed: {exception.Message}");
}

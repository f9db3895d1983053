using System.Net.Sockets;

namespace Baton.Tests;

/// <summary>A path for a local socket, in a directory of its own that goes with it.</summary>
public sealed class SocketPath : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("baton-");

    public SocketPath() => Path = System.IO.Path.Combine(_directory.FullName, "s");

    public string Path { get; }

    public string Folder => _directory.FullName;

    public UnixDomainSocketEndPoint EndPoint => new(Path);

    public bool Exists => File.Exists(Path);

    /// <summary>Leaves the file of a socket there that is no more.</summary>
    public void LeaveStale(SocketType type = SocketType.Stream)
    {
        // The BCL deletes what it bound when the socket is disposed of, but not when only the handle is.
        var socket = new Socket(AddressFamily.Unix, type, ProtocolType.Unspecified);
        GC.SuppressFinalize(socket);
        socket.Bind(EndPoint);
        socket.SafeHandle.Dispose();
        Assert.True(Exists);
    }

    public void Dispose() => _directory.Delete(recursive: true);
}

using System.Diagnostics.CodeAnalysis;

namespace Baton.Drivers;

// Which descriptors are the driver's own, and what cannot be watched.
public abstract unsafe partial class LinuxDriver
{
    // A bit for each descriptor of a socket of ours. Where one was closed behind the back of its watch, the number may be ours by now, and
    // its registration with it.
    private ulong[] _own = new ulong[4];

    private protected bool IsOwn(int descriptor) =>
        descriptor >= 0 && descriptor >> 6 < _own.Length && (_own[descriptor >> 6] & (1UL << descriptor)) != 0;

    private void NoteOwn(int descriptor, bool isOwn = true)
    {
        var index = descriptor >> 6;
        if (index >= _own.Length)
        {
            Array.Resize(ref _own, Math.Max(index + 1, _own.Length * 2));
        }

        _own[index] = isOwn ? _own[index] | (1UL << descriptor) : _own[index] & ~(1UL << descriptor);
    }

    private protected void CheckNotOurs(int descriptor)
    {
        if (IsOwn(descriptor))
        {
            throw new InvalidOperationException(
                $"Descriptor {descriptor} belongs to a connection or socket of this loop, which watches it already. Use that, or detach " +
                "it first.");
        }
    }

    [DoesNotReturn]
    private protected static void ThrowCannotWatch(int descriptor, int result) => throw (result switch
    {
        -Errno.EPERM => new ArgumentException(
            $"Descriptor {descriptor} cannot be watched: it stands for a regular file, a directory, or a device such as /dev/null, which " +
            "are always ready."),
        -Errno.EBADF => new ArgumentException($"Descriptor {descriptor} is not open."),
        -Errno.EEXIST => new InvalidOperationException($"Descriptor {descriptor} is watched already."),
        _ => (Exception)SocketFailure.Create(Errno.ToSocketError(result), $"Watching descriptor {descriptor}"),
    });
}

using System.Net.Sockets;
using Baton.Drivers;
using Microsoft.Win32.SafeHandles;

namespace Baton;

/// <summary>
/// What was received by <see cref="LoopSocket.ReceiveDescriptorsAsync"/> or <see cref="Connection.ReceiveDescriptorsAsync"/>: so many
/// bytes, which are in the caller's buffer, and the descriptors that came with them. Take those that you want; to dispose of the message
/// closes the others.
/// </summary>
public sealed class DescriptorMessage : IDisposable
{
    private readonly SafeFileHandle?[] _handles;

    private DescriptorMessage(IoMessage message, ReadOnlySpan<int> descriptors)
    {
        Length = message.Length;
        IsTruncated = message.IsTruncated;
        AreDescriptorsLost = message.AreDescriptorsLost;
        _handles = new SafeFileHandle?[descriptors.Length];
        for (var i = 0; i < descriptors.Length; i++)
        {
            _handles[i] = new SafeFileHandle(descriptors[i], ownsHandle: true);
        }
    }

    /// <summary>The bytes received; 0 of a stream is the end.</summary>
    public int Length { get; }

    /// <summary>How many descriptors came with them, taken or not.</summary>
    public int DescriptorCount => _handles.Length;

    /// <summary>
    /// Whether more descriptors were sent than there was room for, or than this process may have open; the system has closed those that are
    /// missing.
    /// </summary>
    public bool AreDescriptorsLost { get; }

    /// <summary>Whether a datagram was longer than the buffer; the rest is lost.</summary>
    public bool IsTruncated { get; }

    /// <summary>Takes a descriptor as that of a file, a pipe or whatever is not a socket. It is the caller's from now on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are not so many.</exception>
    /// <exception cref="InvalidOperationException">It has been taken already, or closed with the message.</exception>
    public SafeFileHandle TakeFile(int index)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)_handles.Length, nameof(index));
        var handle = _handles[index]
            ?? throw new InvalidOperationException($"The descriptor {index} of the message has been taken or closed already.");
        _handles[index] = null;
        return handle;
    }

    /// <summary>
    /// Takes a descriptor as that of a socket, such as <see cref="LoopSocket.FromHandle"/> wants it. It is the caller's from now on.
    /// </summary>
    /// <inheritdoc cref="TakeFile" path="/exception"/>
    public SafeSocketHandle TakeSocket(int index)
    {
        using var handle = TakeFile(index);
        var socket = new SafeSocketHandle(handle.DangerousGetHandle(), ownsHandle: true);
        handle.SetHandleAsInvalid();
        return socket;
    }

    /// <summary>Closes the descriptors that nobody has taken.</summary>
    public void Dispose()
    {
        for (var i = 0; i < _handles.Length; i++)
        {
            _handles[i]?.Dispose();
            _handles[i] = null;
        }
    }

    /// <summary>Null where there is nothing yet.</summary>
    internal static DescriptorMessage? TryReceive(IoSocket socket, Span<byte> buffer, int maximumDescriptors, out SocketError error)
    {
        Span<int> descriptors = stackalloc int[maximumDescriptors];
        var message = socket.TryReceiveDescriptors(buffer, descriptors, out error);
        return error == SocketError.Success ? new DescriptorMessage(message, descriptors[..message.DescriptorCount]) : null;
    }

    /// <summary>Checks what a receive is asked for.</summary>
    internal static void CheckReceive(IoSocket socket, ReadOnlyMemory<byte> buffer, int maximumDescriptors)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            (uint)maximumDescriptors, (uint)LinuxSocketCalls.MaximumDescriptors, nameof(maximumDescriptors));
        CheckSocket(socket);
        CheckBytes(socket, buffer, nameof(buffer));
    }

    internal static void CheckSocket(IoSocket socket)
    {
        if (socket.AddressFamily != AddressFamily.Unix)
        {
            throw new SocketException(
                (int)SocketError.OperationNotSupported,
                $"Passing descriptors failed: only local (Unix) sockets do that, and this is of the family {socket.AddressFamily}.");
        }
    }

    internal static void CheckBytes(IoSocket socket, ReadOnlyMemory<byte> bytes, string name)
    {
        if (bytes.IsEmpty && socket.SocketType == SocketType.Stream)
        {
            throw new ArgumentException("Descriptors of a stream travel with its bytes: there has to be one at least.", name);
        }
    }
}

using System.Runtime.InteropServices;

namespace Baton.Drivers;

// Messages with descriptors: SCM_RIGHTS.
public unsafe partial class LinuxSocketCalls
{
    /// <summary>Descriptors that one message takes at most: SCM_MAX_FD.</summary>
    public const int MaximumDescriptors = 253;

    private const int Rights = 1; // SCM_RIGHTS
    private const int DataTruncated = 0x20; // MSG_TRUNC
    private const int ControlTruncated = 0x8; // MSG_CTRUNC
    private const int ReceiveCloseOnExec = 0x40000000; // MSG_CMSG_CLOEXEC

    // The header of a control message, struct cmsghdr: a length, a level and a type.
    private static readonly int s_controlHeader = sizeof(nuint) + (2 * sizeof(int));

    /// <summary>Sends bytes with descriptors.</summary>
    /// <returns>The bytes taken.</returns>
    public virtual int SendDescriptors(int descriptor, ReadOnlySpan<byte> buffer, ReadOnlySpan<int> descriptors)
    {
        var controlLength = s_controlHeader + (descriptors.Length * sizeof(int));
        var control = stackalloc nuint[(controlLength / sizeof(nuint)) + 1];
        control[0] = (nuint)controlLength;
        var words = (int*)(control + 1);
        words[0] = LinuxSocketNumbers.LevelSocket;
        words[1] = Rights;
        descriptors.CopyTo(new Span<int>(words + 2, descriptors.Length));
        fixed (byte* start = buffer)
        {
            var vector = new LibC.IoVector { Base = start, Length = (nuint)buffer.Length };
            var message = new LibC.MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = descriptors.IsEmpty ? null : (byte*)control,
                ControlLength = descriptors.IsEmpty ? 0 : (nuint)controlLength,
            };
            return Result(LibC.SendMessage(descriptor, &message, NoSignal));
        }
    }

    /// <summary>Receives bytes, and the descriptors that came with them, which child processes do not inherit.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="buffer">Where to put the bytes.</param>
    /// <param name="descriptors">Where to put the descriptors.</param>
    /// <param name="message">What was received.</param>
    /// <returns>0, or the error.</returns>
    public virtual int ReceiveDescriptors(int descriptor, Span<byte> buffer, Span<int> descriptors, out IoMessage message)
    {
        // No room for more than there are places: the system closes what has no room.
        var controlLength = s_controlHeader + (descriptors.Length * sizeof(int));
        var control = stackalloc nuint[(controlLength / sizeof(nuint)) + 1];
        fixed (byte* start = buffer)
        {
            var vector = new LibC.IoVector { Base = start, Length = (nuint)buffer.Length };
            var header = new LibC.MessageHeader
            {
                Vectors = &vector,
                VectorCount = 1,
                Control = descriptors.IsEmpty ? null : (byte*)control,
                ControlLength = descriptors.IsEmpty ? 0 : (nuint)controlLength,
            };
            var count = Result(LibC.ReceiveMessage(descriptor, &header, ReceiveCloseOnExec));
            if (count < 0)
            {
                message = default;
                return count;
            }

            message = new IoMessage(
                count,
                TakeDescriptors(new ReadOnlySpan<byte>(header.Control, (int)header.ControlLength), descriptors),
                IsTruncated: (header.Flags & DataTruncated) != 0,
                AreDescriptorsLost: (header.Flags & ControlTruncated) != 0);
            return 0;
        }
    }

    /// <summary>Walks through the control messages: there may be others, of options that the socket has.</summary>
    private static int TakeDescriptors(ReadOnlySpan<byte> control, Span<int> descriptors)
    {
        var taken = 0;
        while (control.Length >= s_controlHeader)
        {
            var length = (int)MemoryMarshal.Read<nuint>(control);
            if (length < s_controlHeader || length > control.Length)
            {
                break;
            }

            var level = MemoryMarshal.Read<int>(control[sizeof(nuint)..]);
            var type = MemoryMarshal.Read<int>(control[(sizeof(nuint) + sizeof(int))..]);
            if (level == LinuxSocketNumbers.LevelSocket && type == Rights)
            {
                var found = MemoryMarshal.Cast<byte, int>(control[s_controlHeader..length]);
                found.CopyTo(descriptors[taken..]);
                taken += found.Length;
            }

            control = control[Math.Min(control.Length, (length + sizeof(nuint) - 1) & ~(sizeof(nuint) - 1))..];
        }

        return taken;
    }
}

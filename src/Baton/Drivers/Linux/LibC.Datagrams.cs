using System.Runtime.InteropServices;

namespace Baton.Drivers;

internal static unsafe partial class LibC
{
    [LibraryImport(Library, EntryPoint = "recvfrom")]
    internal static partial nint ReceiveFrom(int descriptor, byte* buffer, nuint length, int flags, byte* address, int* addressLength);

    [LibraryImport(Library, EntryPoint = "sendto")]
    internal static partial nint SendTo(int descriptor, byte* buffer, nuint length, int flags, byte* address, int addressLength);

    [LibraryImport(Library, EntryPoint = "recvmsg")]
    internal static partial nint ReceiveMessage(int descriptor, MessageHeader* message, int flags);

    [LibraryImport(Library, EntryPoint = "recvmmsg")]
    internal static partial int ReceiveMessages(int descriptor, BatchedMessage* messages, uint count, int flags, TimeSpec* timeout);

    [LibraryImport(Library, EntryPoint = "sendmmsg")]
    internal static partial int SendMessages(int descriptor, BatchedMessage* messages, uint count, int flags);

    /// <summary>One of several messages in a call: <c>struct mmsghdr</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct BatchedMessage
    {
        public MessageHeader Header;
        public uint Length;
    }
}

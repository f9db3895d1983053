using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Baton.Drivers;

/// <summary>The kernel's <c>epoll_event</c>: packed on x64, naturally aligned everywhere else.</summary>
internal static unsafe class EpollEvents
{
    internal const int MaximumSize = 16;

    internal const uint In = 0x1;
    internal const uint Priority = 0x2;
    internal const uint Out = 0x4;
    internal const uint Error = 0x8;
    internal const uint HangUp = 0x10;
    internal const uint ReadHangUp = 0x2000;
    internal const uint EdgeTriggered = 0x8000_0000;

    internal static readonly int Size = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86 ? 12 : 16;
    private static readonly int DataOffset = Size - sizeof(ulong);

    internal static void Write(Span<byte> target, uint events, ulong data)
    {
        MemoryMarshal.Write(target, events);
        MemoryMarshal.Write(target[DataOffset..], data);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static void Read(byte* events, int index, out uint flags, out ulong data)
    {
        var start = events + (index * Size);
        flags = Unsafe.ReadUnaligned<uint>(start);
        data = Unsafe.ReadUnaligned<ulong>(start + DataOffset);
    }
}

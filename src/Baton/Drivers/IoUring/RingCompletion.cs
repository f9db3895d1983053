using System.Runtime.InteropServices;

namespace Baton.Drivers;

/// <summary>What the kernel has done: <c>struct io_uring_cqe</c>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 16)]
internal readonly struct RingCompletion
{
    private const uint HasBufferFlag = 1; // IORING_CQE_F_BUFFER
    private const uint HasMoreFlag = 2; // IORING_CQE_F_MORE

    /// <summary>What the entry said of itself.</summary>
    [field: FieldOffset(0)]
    public ulong Data { get; }

    /// <summary>The outcome, or the error number negated.</summary>
    [field: FieldOffset(8)]
    public int Result { get; }

    [field: FieldOffset(12)]
    private uint Flags { get; }

    /// <summary>Whether more completions of the same entry come.</summary>
    public bool HasMore => (Flags & HasMoreFlag) != 0;

    /// <summary>Whether a provided buffer was used up: the one that <see cref="Buffer"/> names.</summary>
    public bool HasBuffer => (Flags & HasBufferFlag) != 0;

    public int Buffer => (int)(Flags >> 16);
}

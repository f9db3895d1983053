using System.Runtime.InteropServices;

namespace Baton.Drivers;

/// <summary>What the kernel is asked to do: <c>struct io_uring_sqe</c>.</summary>
[StructLayout(LayoutKind.Explicit, Size = 64)]
internal struct RingEntry
{
    [FieldOffset(0)]
    public RingOperation Operation;

    [FieldOffset(1)]
    public byte Flags;

    [FieldOffset(2)]
    public ushort Options;

    [FieldOffset(4)]
    public int Descriptor;

    [FieldOffset(8)]
    public ulong Offset;

    [FieldOffset(16)]
    public ulong Address;

    [FieldOffset(24)]
    public uint Length;

    /// <summary>The events of a poll, the flags of a receive, a send, a cancel: what the operation's own flags are.</summary>
    [FieldOffset(28)]
    public uint OperationFlags;

    [FieldOffset(32)]
    public ulong Data;

    [FieldOffset(40)]
    public ushort BufferGroup;

    [FieldOffset(44)]
    public int FileIndex;

    [FieldOffset(48)]
    public ulong Address3;
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Baton.Drivers;

/// <summary>
/// Blocks that the kernel may receive into, for whichever socket has something first: a connection that waits holds none. The kernel takes
/// them in the order in which they were provided; their number grows when it has run out.
/// </summary>
/// <remarks>A block that the kernel has, it may write into until it names it in a completion, or the ring is gone.</remarks>
internal sealed unsafe class RingBuffers : IDisposable
{
    /// <summary>The number by which entries ask for these.</summary>
    internal const ushort Group = 0;

    // What fits in a processor's nearest cache counts for more than that every burst finds a block: who finds none receives by a call of
    // its own.
    private const int InitialCount = 16;
    private const int Capacity = 128;
    private const int RegisterBuffers = 22; // IORING_REGISTER_PBUF_RING
    private const int TailOffset = 14; // in what would be the reserved end of the first entry
    private const int PageSize = 4096;

    // Whoever forgets to dispose of a driver leaves a ring that goes on receiving: its blocks must not become somebody else's memory.
    private static readonly HashSet<RingBuffers> s_provided = [];

    private readonly IoBlockPool _pool;
    private readonly IoBlock?[] _blocks = new IoBlock?[Capacity];
    private readonly ushort[] _freeNumbers = new ushort[Capacity];
    private Entry* _entries;
    private int _freeCount;
    private int _provided;
    private int _wanted = InitialCount;
    private ushort _tail;

    private RingBuffers(IoBlockPool pool)
    {
        _pool = pool;
        _entries = (Entry*)NativeMemory.AlignedAlloc((nuint)(Capacity * sizeof(Entry)), PageSize);
        NativeMemory.Clear(_entries, (nuint)(Capacity * sizeof(Entry)));
        for (var i = Capacity - 1; i >= 0; i--)
        {
            _freeNumbers[_freeCount++] = (ushort)i;
        }
    }

    /// <summary>Whether the kernel could do with more than it has.</summary>
    internal bool IsShort => _provided < _wanted;

    /// <summary>Gives a ring such blocks. Null where the kernel cannot have them.</summary>
    internal static RingBuffers? TryCreate(LinuxSocketCalls calls, Ring ring, IoBlockPool pool)
    {
        var buffers = new RingBuffers(pool);
        var registration = new Registration { Address = (ulong)buffers._entries, Count = Capacity, Group = Group };
        if (calls.RingRegister(ring.Descriptor, RegisterBuffers, (nint)(&registration), 1) < 0)
        {
            buffers.Dispose();
            return null;
        }

        lock (s_provided)
        {
            s_provided.Add(buffers);
        }

        return buffers;
    }

    /// <summary>Provides blocks up to the number that has proved to be enough.</summary>
    internal void Provide()
    {
        while (_provided < _wanted)
        {
            var number = _freeNumbers[--_freeCount];
            var block = _pool.Keep();
            _blocks[number] = block;
            ref var entry = ref _entries[_tail & (Capacity - 1)];
            entry.Address = (ulong)Unsafe.AsPointer(ref MemoryMarshal.GetReference(block.Space.Span));
            entry.Length = (uint)block.Space.Length;
            entry.Number = number;
            _tail++;
            _provided++;
        }

        Volatile.Write(ref *(ushort*)((byte*)_entries + TailOffset), _tail);
    }

    /// <summary>Takes a block that the kernel has used up. The driver still keeps it.</summary>
    internal IoBlock Take(int number)
    {
        var block = _blocks[number]!;
        _blocks[number] = null;
        _freeNumbers[_freeCount++] = (ushort)number;
        _provided--;
        return block;
    }

    /// <summary>The kernel has run out of them.</summary>
    internal void Grow() => _wanted = Math.Min(_wanted * 2, Capacity);

    /// <summary>Gives the blocks back. The ring is gone, or nothing in it that receives.</summary>
    public void Dispose()
    {
        lock (s_provided)
        {
            s_provided.Remove(this);
        }

        foreach (ref var block in _blocks.AsSpan())
        {
            if (block is not null)
            {
                _pool.Unkeep(block);
                block = null;
            }
        }

        NativeMemory.AlignedFree(_entries);
        _entries = null;
    }

    /// <summary>A buffer of the kernel's <c>struct io_uring_buf</c>, but for its end, where in the first of them the tail is.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 16)]
    private struct Entry
    {
        public ulong Address;
        public uint Length;
        public ushort Number;
    }

    /// <summary>The kernel's <c>struct io_uring_buf_reg</c>.</summary>
    [StructLayout(LayoutKind.Sequential, Size = 40)]
    private struct Registration
    {
        public ulong Address;
        public uint Count;
        public ushort Group;
        public ushort Flags;
    }
}

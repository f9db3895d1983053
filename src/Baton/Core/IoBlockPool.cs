using System.Buffers;
using System.Runtime.InteropServices;

namespace Baton;

/// <summary>
/// Blocks of memory that stay where they are, last returned first lent: the block that is lent next is still in the processor's cache.
/// </summary>
/// <remarks>Belongs to the loop thread.</remarks>
public sealed class IoBlockPool
{
    /// <summary>The size of a block, in bytes.</summary>
    public const int BlockSize = 16 * 1024;

    /// <summary>The size of a large block, in bytes.</summary>
    public const int LargeBlockSize = 64 * 1024;

    // More than that lie idle only after a burst of slow peers, and are worth less than their 4 MiB.
    private const int FreeLimit = 256;

    // Those who read that much work on one at a time, mostly.
    private const int FreeLargeLimit = 4;

    private IoBlock? _free;
    private IoBlock? _freeLarge;
    private int _freeLargeCount;
    private int _freeCount;
    private BorrowedBlock? _freeBorrowed;

    /// <summary>Blocks that somebody holds now. 0 when nothing is being received or sent.</summary>
    public int LentCount { get; private set; }

    /// <summary>
    /// Blocks that the driver itself keeps: for the kernel to receive into, or with what came before anybody asked. 0 once the driver is
    /// disposed.
    /// </summary>
    public int KeptCount { get; private set; }

    /// <summary>Blocks that wait to be lent again.</summary>
    public int FreeCount => _freeCount;

    /// <summary>Lends a block of <see cref="BlockSize"/> bytes, empty.</summary>
    public IoBlock Rent()
    {
        var block = Pop();
        block.OnRented();
        return block;
    }

    /// <summary>Takes a block for the driver to receive into before anybody asks for it.</summary>
    internal IoBlock Keep()
    {
        KeptCount++;
        return Pop();
    }

    /// <summary>Lends a block that the driver kept.</summary>
    internal void Lend(IoBlock block)
    {
        KeptCount--;
        block.OnRented();
    }

    /// <summary>Puts a block that the driver kept back.</summary>
    internal void Unkeep(IoBlock block)
    {
        KeptCount--;
        block.Length = 0;
        block.Append(null);
        Push(block);
    }

    private IoBlock Pop()
    {
        var block = _free;
        if (block is null)
        {
            var array = GC.AllocateUninitializedArray<byte>(BlockSize, pinned: true);
            block = new IoBlock(this, MemoryMarshal.CreateFromPinnedArray(array, 0, array.Length));
        }
        else
        {
            _free = block.NextFree;
            block.NextFree = null;
            _freeCount--;
        }

        return block;
    }

    /// <summary>
    /// Lends a block of <see cref="LargeBlockSize"/> bytes, empty: as much as a pipe holds, for who expects that there is so much.
    /// </summary>
    public IoBlock RentLarge()
    {
        var block = _freeLarge;
        if (block is null)
        {
            var array = GC.AllocateUninitializedArray<byte>(LargeBlockSize, pinned: true);
            block = new KeptLargeBlock(this, MemoryMarshal.CreateFromPinnedArray(array, 0, array.Length));
        }
        else
        {
            _freeLarge = block.NextFree;
            block.NextFree = null;
            _freeLargeCount--;
        }

        block.OnRented();
        return block;
    }

    /// <summary>Lends a block of at least <paramref name="minimumLength"/> bytes, empty.</summary>
    public IoBlock Rent(int minimumLength)
    {
        if (minimumLength <= BlockSize)
        {
            return Rent();
        }

        var block = new LargeBlock(this, ArrayPool<byte>.Shared.Rent(minimumLength));
        block.OnRented();
        return block;
    }

    /// <summary>
    /// Puts memory of somebody else in a chain: nothing is copied, and releasing the block leaves the memory alone.
    /// </summary>
    public IoBlock Borrow(ReadOnlyMemory<byte> memory)
    {
        var block = _freeBorrowed;
        if (block is null)
        {
            block = new BorrowedBlock(this);
        }
        else
        {
            _freeBorrowed = (BorrowedBlock?)block.NextFree;
            block.NextFree = null;
        }

        block.Point(MemoryMarshal.AsMemory(memory));
        block.OnRented();
        return block;
    }

    internal void OnRented() => LentCount++;

    internal void OnReleased() => LentCount--;

    internal void Push(IoBlock block)
    {
        if (_freeCount < FreeLimit)
        {
            block.NextFree = _free;
            _free = block;
            _freeCount++;
        }
    }

    private sealed class KeptLargeBlock(IoBlockPool pool, Memory<byte> space) : IoBlock(pool, space)
    {
        protected override void Recycle(IoBlockPool pool)
        {
            if (pool._freeLargeCount < FreeLargeLimit)
            {
                NextFree = pool._freeLarge;
                pool._freeLarge = this;
                pool._freeLargeCount++;
            }
        }
    }

    private sealed class LargeBlock(IoBlockPool pool, byte[] array) : IoBlock(pool, array)
    {
        protected override void Recycle(IoBlockPool pool) => ArrayPool<byte>.Shared.Return(array);
    }

    private sealed class BorrowedBlock(IoBlockPool pool) : IoBlock(pool, default)
    {
        public override bool IsBorrowed => true;

        public void Point(Memory<byte> memory)
        {
            Space = memory;
            Length = memory.Length;
        }

        protected override void Recycle(IoBlockPool pool)
        {
            Space = default;
            NextFree = pool._freeBorrowed;
            pool._freeBorrowed = this;
        }
    }
}

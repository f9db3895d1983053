using System.Buffers;

namespace Baton;

/// <summary>
/// A block of memory that a driver lends: received bytes, or bytes to be sent. A segment of the sequences that a <see cref="Connection"/>
/// hands out, so that lending costs no object.
/// </summary>
/// <remarks>Belongs to the loop thread. Whoever rented it releases it, once.</remarks>
public class IoBlock : ReadOnlySequenceSegment<byte>
{
    private readonly IoBlockPool _pool;
    private bool _isLent;

    /// <summary>Creates a block of a pool.</summary>
    /// <param name="pool">Where the block is counted.</param>
    /// <param name="space">The block's memory; pinned, or pinned again at each use.</param>
    protected internal IoBlock(IoBlockPool pool, Memory<byte> space)
    {
        _pool = pool;
        Space = space;
    }

    /// <summary>All of the block's memory.</summary>
    public Memory<byte> Space { get; private protected set; }

    /// <summary>Whether the memory belongs to somebody else: see <see cref="IoBlockPool.Borrow"/>.</summary>
    public virtual bool IsBorrowed => false;

    /// <summary>How much of it, from its start, holds bytes.</summary>
    public int Length
    {
        get => Memory.Length;
        set => Memory = Space[..value];
    }

    /// <summary>The block that follows in a chain.</summary>
    public IoBlock? NextBlock => (IoBlock?)Next;

    /// <summary>Makes <paramref name="block"/> the one that follows.</summary>
    public void Append(IoBlock? block)
    {
        Next = block;
        if (block is not null)
        {
            block.RunningIndex = RunningIndex + Memory.Length;
        }
    }

    /// <summary>Gives the block back. Nobody may touch its memory after this.</summary>
    public void Release()
    {
        EndLease();
        Recycle(_pool);
    }

    private void EndLease()
    {
        if (!_isLent)
        {
            throw new InvalidOperationException("The block has been released already.");
        }

        _isLent = false;
        Next = null;
        RunningIndex = 0;
        Memory = default;
        _pool.OnReleased();
    }

    /// <summary>
    /// Gives the block up without giving its memory back, for somebody may still touch that: it is lent to nobody else, and goes when that
    /// one lets go of it.
    /// </summary>
    public void Abandon()
    {
        EndLease();
        Space = default;
    }

    internal void OnRented()
    {
        _isLent = true;
        _pool.OnRented();
    }

    /// <summary>Puts the memory where it came from.</summary>
    protected virtual void Recycle(IoBlockPool pool) => pool.Push(this);

    /// <summary>The next in the pool's free list.</summary>
    internal IoBlock? NextFree
    {
        get => (IoBlock?)Next;
        set => Next = value;
    }
}

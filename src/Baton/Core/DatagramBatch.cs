using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Baton;

/// <summary>
/// Room for a number of datagrams, each with an address, that are received or sent together: one system call where the driver can. Made
/// once and used again and again; nothing is allocated for a datagram.
/// </summary>
/// <remarks>
/// A batch that was received can be sent as it is: each datagram goes back to who sent it. While a receive or a send of it is in progress
/// it belongs to the socket.
/// </remarks>
public sealed class DatagramBatch
{
    /// <summary>The room for an address: enough for IPv6.</summary>
    internal const int AddressRoom = 32;

    private readonly byte[] _bytes;
    private readonly byte[] _addresses;
    private readonly Entry[] _entries;

    /// <summary>Makes an empty batch.</summary>
    /// <param name="capacity">How many datagrams it holds at most.</param>
    /// <param name="maximumLength">
    /// The bytes of each at most; a longer one that is received is cut off, see <see cref="Datagram.IsTruncated"/>.
    /// </param>
    public DatagramBatch(int capacity = 64, int maximumLength = 2048)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        ArgumentOutOfRangeException.ThrowIfNegative(maximumLength);
        Capacity = capacity;
        MaximumLength = maximumLength;
        _bytes = GC.AllocateUninitializedArray<byte>(checked(capacity * maximumLength), pinned: true);
        _addresses = GC.AllocateArray<byte>(capacity * AddressRoom, pinned: true);
        _entries = new Entry[capacity];
    }

    /// <summary>How many datagrams it holds at most.</summary>
    public int Capacity { get; }

    /// <summary>The bytes of each datagram at most.</summary>
    public int MaximumLength { get; }

    /// <summary>How many datagrams are in it.</summary>
    public int Count { get; private set; }

    /// <summary>
    /// How many of them, from the first, the last send has handed to the system: all of them unless it failed or was cancelled.
    /// </summary>
    public int SentCount { get; internal set; }

    /// <summary>Whether there is no room for another.</summary>
    public bool IsFull => Count == Capacity;

    /// <summary>A datagram, the first being 0.</summary>
    public Datagram this[int index]
    {
        get
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)index, (uint)Count, nameof(index));
            return new Datagram(this, index);
        }
    }

    /// <summary>An address to work with, for drivers that take one datagram at a time.</summary>
    internal SocketAddress Scratch => field ??= new SocketAddress(AddressFamily.InterNetworkV6, AddressRoom);

    /// <summary>Forgets the datagrams.</summary>
    public void Clear()
    {
        Count = 0;
        SentCount = 0;
    }

    /// <summary>Adds a datagram: copies the bytes and the address.</summary>
    /// <param name="bytes">The datagram; may be empty.</param>
    /// <param name="receiver">To whom; null for the peer that the socket is connected to.</param>
    /// <exception cref="InvalidOperationException">The batch is full.</exception>
    /// <exception cref="ArgumentException">The datagram is longer than <see cref="MaximumLength"/>.</exception>
    public Datagram Add(ReadOnlySpan<byte> bytes, SocketAddress? receiver = null)
    {
        var datagram = Add(receiver);
        if (bytes.Length > MaximumLength)
        {
            Count--;
            throw new ArgumentException(
                $"The datagram has {bytes.Length} bytes; this batch holds up to {MaximumLength} of each.", nameof(bytes));
        }

        bytes.CopyTo(SpaceOf(Count - 1).Span);
        datagram.Length = bytes.Length;
        return datagram;
    }

    /// <summary>Adds a datagram: copies the bytes and writes the end point as an address.</summary>
    /// <inheritdoc cref="Add(ReadOnlySpan{byte}, SocketAddress?)"/>
    public Datagram Add(ReadOnlySpan<byte> bytes, IPEndPoint receiver)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        AddressConversion.Write(receiver, receiver.AddressFamily, Scratch);
        return Add(bytes, Scratch);
    }

    /// <summary>Adds an empty datagram, to be written into <see cref="Datagram.Space"/>.</summary>
    /// <inheritdoc cref="Add(ReadOnlySpan{byte}, SocketAddress?)"/>
    public Datagram Add(SocketAddress? receiver = null)
    {
        if (IsFull)
        {
            throw new InvalidOperationException($"The batch is full: it holds {Capacity} datagrams. Send it, then Clear it.");
        }

        var size = receiver?.Size ?? 0;
        if (size > AddressRoom)
        {
            throw new ArgumentException("The address is not one of IPv4 or IPv6.", nameof(receiver));
        }

        receiver?.Buffer.Span[..size].CopyTo(AddressSpaceOf(Count).Span);
        _entries[Count] = new Entry { AddressLength = size };
        return new Datagram(this, Count++);
    }

    /// <summary>All of the memory for a datagram. For drivers; pinned for good.</summary>
    public Memory<byte> SpaceOf(int index) => MemoryMarshal.CreateFromPinnedArray(_bytes, index * MaximumLength, MaximumLength);

    /// <summary>The memory for its address, in the system's layout. For drivers; pinned for good.</summary>
    public Memory<byte> AddressSpaceOf(int index) => MemoryMarshal.CreateFromPinnedArray(_addresses, index * AddressRoom, AddressRoom);

    /// <summary>Says that a datagram has been received into the next place. For drivers.</summary>
    public void SetReceived(int index, int length, int addressLength, bool isTruncated)
    {
        _entries[index] = new Entry { Length = length, AddressLength = addressLength, IsTruncated = isTruncated };
        Count = index + 1;
    }

    internal ref Entry EntryOf(int index) => ref _entries[index];

    internal ref byte FirstByte => ref MemoryMarshal.GetArrayDataReference(_bytes);

    internal ref byte FirstAddressByte => ref MemoryMarshal.GetArrayDataReference(_addresses);

    internal struct Entry
    {
        internal int Length;
        internal int AddressLength;
        internal bool IsTruncated;
    }
}

using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Baton;

/// <summary>A datagram in a <see cref="DatagramBatch"/>: a view, good until the batch is cleared or received into.</summary>
[SuppressMessage("Performance", "CA1815", Justification = "A view is not compared.")]
public readonly struct Datagram
{
    private readonly DatagramBatch _batch;
    private readonly int _index;

    internal Datagram(DatagramBatch batch, int index)
    {
        _batch = batch;
        _index = index;
    }

    /// <summary>Its bytes, which may be changed in place.</summary>
    public Memory<byte> Memory => Space[..Length];

    /// <inheritdoc cref="Memory"/>
    public Span<byte> Span => Memory.Span;

    /// <summary>All of the room for it. After writing there, set <see cref="Length"/>.</summary>
    public Memory<byte> Space => _batch.SpaceOf(_index);

    /// <summary>How many bytes it has.</summary>
    /// <exception cref="ArgumentOutOfRangeException">That many do not fit.</exception>
    public int Length
    {
        get => _batch.EntryOf(_index).Length;
        set
        {
            ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)value, (uint)_batch.MaximumLength, nameof(value));
            _batch.EntryOf(_index).Length = value;
        }
    }

    /// <summary>Whether it was longer than the batch has room for, so that its rest is lost.</summary>
    public bool IsTruncated => _batch.EntryOf(_index).IsTruncated;

    /// <summary>
    /// The address of who sent it, or is to get it, as the system writes it; good as long as the datagram is. Empty where there is none.
    /// Compare by it and look up by it where <see cref="GetEndPoint"/> would cost too much.
    /// </summary>
    public ReadOnlySpan<byte> Address => _batch.AddressSpaceOf(_index).Span[.._batch.EntryOf(_index).AddressLength];

    /// <summary>Copies the address, without allocating; the size is 0 where there is none.</summary>
    /// <param name="target">Made by <c>new SocketAddress(socket.AddressFamily)</c>.</param>
    public void CopyAddressTo(SocketAddress target)
    {
        ArgumentNullException.ThrowIfNull(target);
        var address = Address;
        target.Size = address.Length;
        address.CopyTo(target.Buffer.Span);
    }

    /// <summary>Changes to whom it is to be sent; null for the peer that the socket is connected to.</summary>
    public void SetAddress(SocketAddress? receiver)
    {
        var size = receiver?.Size ?? 0;
        if (size > DatagramBatch.AddressRoom)
        {
            throw new ArgumentException("The address is not one of IPv4 or IPv6.", nameof(receiver));
        }

        receiver?.Buffer.Span[..size].CopyTo(_batch.AddressSpaceOf(_index).Span);
        _batch.EntryOf(_index).AddressLength = size;
    }

    /// <summary>The address as an object, newly made; null where there is none.</summary>
    public IPEndPoint? GetEndPoint()
    {
        if (_batch.EntryOf(_index).AddressLength == 0)
        {
            return null;
        }

        var address = _batch.Scratch;
        CopyAddressTo(address);
        return (IPEndPoint?)AddressConversion.ToEndPoint(address);
    }
}

namespace Baton;

/// <summary>A callback that waits for its turn. Corresponds to <c>asyncio.Handle</c>.</summary>
/// <remarks>
/// A small value that names one use of a pooled object: keeping it after the callback ran costs nothing and reaches nothing.
/// </remarks>
public readonly struct Handle : IEquatable<Handle>
{
    private readonly CallbackItem? _item;
    private readonly int _version;

    internal Handle(CallbackItem item)
    {
        _item = item;
        _version = item.Version;
    }

    internal Handle(CallbackItem item, int version)
    {
        _item = item;
        _version = version;
    }

    /// <summary>Whether the callback has neither run nor been cancelled.</summary>
    public bool IsPending => _item is not null && _item.IsPending(_version);

    /// <summary>
    /// Cancels the callback unless it has run. For the loop thread, except for a handle of
    /// <see cref="EventLoop.CallSoonThreadSafe(Action)"/>, which any thread may cancel.
    /// </summary>
    public void Cancel() => _item?.Cancel(_version);

    /// <summary>Whether both name the same callback.</summary>
    public static bool operator ==(Handle left, Handle right) => left.Equals(right);

    /// <summary>Whether they name different callbacks.</summary>
    public static bool operator !=(Handle left, Handle right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(Handle other) => ReferenceEquals(_item, other._item) && _version == other._version;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Handle other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_item, _version);

    /// <summary>
    /// The callback's name and whether it is pending. Once it is over, the name is known in debug mode only, which tells too what is passed
    /// and where the handle was made.
    /// </summary>
    public override string ToString() => _item is null ? "Callback (none)" : _item.Describe("Callback", _version, null);
}

/// <summary>A callback that waits for its time. Corresponds to <c>asyncio.TimerHandle</c>.</summary>
public readonly struct TimerHandle : IEquatable<TimerHandle>
{
    private readonly CallbackItem? _item;
    private readonly int _version;

    internal TimerHandle(CallbackItem item, long when)
    {
        _item = item;
        _version = item.Version;
        When = when;
    }

    internal Handle AsHandle() => new(_item!, _version);

    /// <summary>The deadline, in nanoseconds of <see cref="EventLoop.Time"/>. Corresponds to <c>TimerHandle.when</c>.</summary>
    public long When { get; }

    /// <summary>Whether the callback has neither run nor been cancelled.</summary>
    public bool IsPending => _item is not null && _item.IsPending(_version);

    /// <summary>Cancels the callback unless it has run. For the loop thread.</summary>
    public void Cancel() => _item?.Cancel(_version);

    /// <summary>Whether both name the same callback.</summary>
    public static bool operator ==(TimerHandle left, TimerHandle right) => left.Equals(right);

    /// <summary>Whether they name different callbacks.</summary>
    public static bool operator !=(TimerHandle left, TimerHandle right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(TimerHandle other) => ReferenceEquals(_item, other._item) && _version == other._version;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TimerHandle other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(_item, _version);

    /// <summary>As of <see cref="Handle"/>, with the deadline.</summary>
    public override string ToString() => _item is null ? "Timer (none)" : _item.Describe("Timer", _version, When);
}

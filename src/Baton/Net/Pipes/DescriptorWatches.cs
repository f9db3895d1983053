using System.Runtime.InteropServices;

namespace Baton;

/// <summary>The descriptors that a loop watches for others.</summary>
/// <remarks>A watch stays for the next use of the same number: descriptors are small numbers that come back.</remarks>
internal sealed class DescriptorWatches
{
    private readonly Dictionary<int, DescriptorWatch> _watches = [];
    private readonly EventLoop _loop;

    internal DescriptorWatches(EventLoop loop)
    {
        _loop = loop;
        loop.Closed += OnLoopClosed;
    }

    internal void Add(int descriptor, SafeHandle? handle, IoReadiness direction, Action<object?> callback, object? state) =>
        Get(descriptor).Add(handle, direction, callback, state);

    internal bool Remove(int descriptor, IoReadiness direction) =>
        _watches.TryGetValue(descriptor, out var watch) && watch.Remove(direction);

    internal ValueTask WaitAsync(int descriptor, SafeHandle? handle, IoReadiness direction) => Get(descriptor).WaitAsync(handle, direction);

    private DescriptorWatch Get(int descriptor)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(descriptor);
        if (!_watches.TryGetValue(descriptor, out var watch))
        {
            _watches[descriptor] = watch = new DescriptorWatch(_loop, descriptor);
        }

        return watch;
    }

    private void OnLoopClosed()
    {
        foreach (var watch in _watches.Values)
        {
            watch.Abandon();
        }

        _watches.Clear();
    }
}

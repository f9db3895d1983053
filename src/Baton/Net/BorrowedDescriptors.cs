using System.Runtime.InteropServices;
using Baton.Drivers;

namespace Baton;

/// <summary>The descriptors behind handles, which stay open while they are being sent.</summary>
internal sealed class BorrowedDescriptors : IDisposable
{
    private readonly IReadOnlyList<SafeHandle> _handles;
    private readonly int[] _numbers;
    private int _count;

    /// <exception cref="ArgumentException">There are too many for one message, or one is null.</exception>
    /// <exception cref="ObjectDisposedException">A handle is closed.</exception>
    internal BorrowedDescriptors(IReadOnlyList<SafeHandle> handles)
    {
        ArgumentNullException.ThrowIfNull(handles);
        if (handles.Count > LinuxSocketCalls.MaximumDescriptors)
        {
            throw new ArgumentException(
                $"One message takes {LinuxSocketCalls.MaximumDescriptors} descriptors at most, and these are {handles.Count}.",
                nameof(handles));
        }

        _handles = handles;
        _numbers = new int[handles.Count];
        try
        {
            while (_count < _numbers.Length)
            {
                var handle = handles[_count];
                ArgumentNullException.ThrowIfNull(handle, nameof(handles));
                var isAdded = false;
                handle.DangerousAddRef(ref isAdded);
                _numbers[_count++] = (int)handle.DangerousGetHandle();
            }
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal ReadOnlySpan<int> Numbers => _numbers;

    public void Dispose()
    {
        while (_count > 0)
        {
            _handles[--_count].DangerousRelease();
        }
    }
}

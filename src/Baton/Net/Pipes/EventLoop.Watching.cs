using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Baton;

// Descriptors that the loop does not own, watched for those who read and write them by themselves.
public sealed partial class EventLoop
{
    private DescriptorWatches? _watches;

    private DescriptorWatches Watches
    {
        get
        {
            CheckThread();
            CheckOpen();
            return _watches ??= new DescriptorWatches(this);
        }
    }

    /// <summary>
    /// Has a callback called whenever a descriptor is readable, in the execution context of now: once in each iteration, for as long as
    /// there is something to read, the end or an error to be told. Replaces the callback that there was for it, which is not called any
    /// more. Corresponds to <c>loop.add_reader</c>.
    /// </summary>
    /// <param name="descriptor">
    /// A socket, pipe, terminal, event descriptor and so on, which stays the caller's: call <see cref="RemoveReader(int)"/> before you
    /// close it.
    /// </param>
    /// <param name="callback">What to call.</param>
    /// <exception cref="ArgumentException">The descriptor is not open, or is always ready, such as that of a regular file.</exception>
    /// <exception cref="InvalidOperationException">
    /// It belongs to a connection or socket of this loop, or a task waits for the same of it; the loop is closed, or this is not its
    /// thread.
    /// </exception>
    /// <exception cref="SocketException">The system refused.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows.</exception>
    public void AddReader(int descriptor, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Watches.Add(descriptor, null, IoReadiness.Readable, CallbackItem.RunAction, callback);
    }

    /// <inheritdoc cref="AddReader(int, Action)"/>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="callback">What to call. A static lambda needs no closure.</param>
    /// <param name="state">What to call it with.</param>
    public void AddReader(int descriptor, Action<object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Watches.Add(descriptor, null, IoReadiness.Readable, callback, state);
    }

    /// <inheritdoc cref="AddReader(int, Action)"/>
    /// <param name="handle">
    /// The descriptor, which stays the caller's, and stays open until the callback is removed, even if the handle is disposed of.
    /// </param>
    /// <param name="callback">What to call.</param>
    public void AddReader(SafeHandle handle, Action callback)
    {
        ArgumentNullException.ThrowIfNull(handle);
        ArgumentNullException.ThrowIfNull(callback);
        Watches.Add((int)handle.DangerousGetHandle(), handle, IoReadiness.Readable, CallbackItem.RunAction, callback);
    }

    /// <summary>
    /// Ends what <see cref="AddReader(int, Action)"/> began. A callback that is about to be called is not. Corresponds to
    /// <c>loop.remove_reader</c>.
    /// </summary>
    /// <returns>Whether there was a callback; false also for a loop that is closed.</returns>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public bool RemoveReader(int descriptor) => RemoveWatch(descriptor, IoReadiness.Readable);

    /// <inheritdoc cref="RemoveReader(int)"/>
    public bool RemoveReader(SafeHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return RemoveWatch((int)handle.DangerousGetHandle(), IoReadiness.Readable);
    }

    /// <summary>
    /// Has a callback called whenever a descriptor is writable, or nobody reads any more what would be written. Otherwise as
    /// <see cref="AddReader(int, Action)"/>. Corresponds to <c>loop.add_writer</c>.
    /// </summary>
    /// <inheritdoc cref="AddReader(int, Action)"/>
    public void AddWriter(int descriptor, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Watches.Add(descriptor, null, IoReadiness.Writable, CallbackItem.RunAction, callback);
    }

    /// <inheritdoc cref="AddWriter(int, Action)"/>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="callback">What to call. A static lambda needs no closure.</param>
    /// <param name="state">What to call it with.</param>
    public void AddWriter(int descriptor, Action<object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        Watches.Add(descriptor, null, IoReadiness.Writable, callback, state);
    }

    /// <inheritdoc cref="AddWriter(int, Action)"/>
    /// <param name="handle">
    /// The descriptor, which stays the caller's, and stays open until the callback is removed, even if the handle is disposed of.
    /// </param>
    /// <param name="callback">What to call.</param>
    public void AddWriter(SafeHandle handle, Action callback)
    {
        ArgumentNullException.ThrowIfNull(handle);
        ArgumentNullException.ThrowIfNull(callback);
        Watches.Add((int)handle.DangerousGetHandle(), handle, IoReadiness.Writable, CallbackItem.RunAction, callback);
    }

    /// <summary>
    /// Ends what <see cref="AddWriter(int, Action)"/> began. A callback that is about to be called is not. Corresponds to
    /// <c>loop.remove_writer</c>.
    /// </summary>
    /// <inheritdoc cref="RemoveReader(int)"/>
    public bool RemoveWriter(int descriptor) => RemoveWatch(descriptor, IoReadiness.Writable);

    /// <inheritdoc cref="RemoveWriter(int)"/>
    public bool RemoveWriter(SafeHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return RemoveWatch((int)handle.DangerousGetHandle(), IoReadiness.Writable);
    }

    /// <summary>
    /// Waits until a descriptor is readable: there is something to read, the end, or an error. Takes nothing. Corresponds to
    /// <c>trio.lowlevel.wait_readable</c>, and in asyncio to a future that a callback of <c>add_reader</c> completes.
    /// </summary>
    /// <param name="descriptor">As of <see cref="AddReader(int, Action)"/>; it must stay open during the wait.</param>
    /// <remarks>Cancelling the task ends the wait. One wait for each direction of a descriptor at a time.</remarks>
    /// <inheritdoc cref="AddReader(int, Action)" path="/exception"/>
    public ValueTask WaitReadableAsync(int descriptor) => Watches.WaitAsync(descriptor, null, IoReadiness.Readable);

    /// <inheritdoc cref="WaitReadableAsync(int)"/>
    /// <param name="handle">The descriptor, which stays open during the wait, even if the handle is disposed of.</param>
    public ValueTask WaitReadableAsync(SafeHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return Watches.WaitAsync((int)handle.DangerousGetHandle(), handle, IoReadiness.Readable);
    }

    /// <summary>
    /// Waits until a descriptor is writable, or nobody reads any more what would be written. Otherwise as
    /// <see cref="WaitReadableAsync(int)"/>. Corresponds to <c>trio.lowlevel.wait_writable</c>.
    /// </summary>
    /// <inheritdoc cref="WaitReadableAsync(int)"/>
    public ValueTask WaitWritableAsync(int descriptor) => Watches.WaitAsync(descriptor, null, IoReadiness.Writable);

    /// <inheritdoc cref="WaitWritableAsync(int)"/>
    /// <param name="handle">The descriptor, which stays open during the wait, even if the handle is disposed of.</param>
    public ValueTask WaitWritableAsync(SafeHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        return Watches.WaitAsync((int)handle.DangerousGetHandle(), handle, IoReadiness.Writable);
    }

    private bool RemoveWatch(int descriptor, IoReadiness direction)
    {
        CheckThread();
        return !IsClosed && _watches is { } watches && watches.Remove(descriptor, direction);
    }
}

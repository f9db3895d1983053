using System.Runtime.InteropServices;

namespace Baton;

/// <summary>One descriptor that a loop watches for others: for each direction a callback, or a task that waits.</summary>
internal sealed class DescriptorWatch(EventLoop loop, int descriptor) : IoWatch(descriptor)
{
    private WatchCallback? _reader;
    private WatchCallback? _writer;
    private WatchWait? _readWait;
    private WatchWait? _writeWait;

    public override void OnReady(IoReadiness readiness)
    {
        if ((readiness & IoReadiness.Readable) != 0)
        {
            Tell(_reader, _readWait);
        }

        if ((readiness & IoReadiness.Writable) != 0)
        {
            Tell(_writer, _writeWait);
        }
    }

    internal void Add(SafeHandle? handle, IoReadiness direction, Action<object?> callback, object? state)
    {
        if (WaitOf(direction) is { IsPending: true })
        {
            ThrowBusy(direction, "a task waits for that");
        }

        var added = new WatchCallback(loop, this, callback, state, handle);
        try
        {
            loop.Driver.Watch(this, Wanted | direction);
        }
        catch
        {
            added.End();
            throw;
        }

        CallbackOf(direction)?.End();
        CallbackOf(direction) = added;
    }

    internal bool Remove(IoReadiness direction)
    {
        if (CallbackOf(direction) is not { } callback)
        {
            return false;
        }

        CallbackOf(direction) = null;
        Update();
        callback.End();
        return true;
    }

    internal ValueTask WaitAsync(SafeHandle? handle, IoReadiness direction)
    {
        if (CallbackOf(direction) is not null)
        {
            ThrowBusy(direction, "a callback is called for that");
        }

        var wait = WaitOf(direction) ??= new WatchWait(loop, this, direction);
        if (wait.IsInUse)
        {
            ThrowBusy(direction, "another task waits for that");
        }

        wait.Borrow(handle);
        try
        {
            // Even where it is watched already, for the other direction or in vain: the number may be another descriptor's by now.
            loop.Driver.Watch(this, Wanted | direction);
        }
        catch
        {
            wait.Release();
            throw;
        }

        return wait.Start();
    }

    /// <summary>The loop closes, and with it the driver.</summary>
    internal void Abandon()
    {
        _reader?.End();
        _writer?.End();
        _readWait?.Release();
        _writeWait?.Release();
        _reader = _writer = null;
    }

    private IoReadiness Wanted =>
        (_reader is not null || _readWait is { IsPending: true } ? IoReadiness.Readable : IoReadiness.None)
        | (_writer is not null || _writeWait is { IsPending: true } ? IoReadiness.Writable : IoReadiness.None);

    private static void Tell(WatchCallback? callback, WatchWait? wait)
    {
        callback?.Queue();
        wait?.OnReady();
    }

    /// <summary>
    /// Watches for what is wanted now. At once: a watch that nobody needs would be told of without end, also of a descriptor that was
    /// closed, where a child has another.
    /// </summary>
    internal void Update()
    {
        var wanted = Wanted;
        if (wanted == Interest)
        {
            return;
        }

        try
        {
            loop.Driver.Watch(this, wanted);
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            // Closed behind our back. Nothing more comes of what is left.
            loop.Driver.Watch(this, IoReadiness.None);
        }
    }

    private ref WatchCallback? CallbackOf(IoReadiness direction) => ref direction == IoReadiness.Readable ? ref _reader : ref _writer;

    private ref WatchWait? WaitOf(IoReadiness direction) => ref direction == IoReadiness.Readable ? ref _readWait : ref _writeWait;

    private void ThrowBusy(IoReadiness direction, string why) => throw new InvalidOperationException(
        $"Descriptor {Descriptor} is watched for being {(direction == IoReadiness.Readable ? "readable" : "writable")} already: {why}, " +
        "and there is room for one.");
}

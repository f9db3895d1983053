using System.Runtime.InteropServices;

namespace Baton;

/// <summary>A task's wait for one direction of a descriptor.</summary>
internal sealed class WatchWait(EventLoop loop, DescriptorWatch watch, IoReadiness direction) : LoopOperation(loop)
{
    private SafeHandle? _handle;
    private bool _isCancelled;
    private string? _cancelMessage;

    /// <summary>Keeps a descriptor open.</summary>
    internal void Borrow(SafeHandle? handle)
    {
        var isAdded = false;
        handle?.DangerousAddRef(ref isAdded);
        _handle = handle;
    }

    internal ValueTask Start()
    {
        Begin();
        _isCancelled = false;
        return new ValueTask(this, Token);
    }

    internal void OnReady()
    {
        if (IsPending)
        {
            Complete();
            watch.Update();
        }
    }

    internal void Release()
    {
        _handle?.DangerousRelease();
        _handle = null;
    }

    protected override bool RequestCancel(string? message)
    {
        _isCancelled = true;
        _cancelMessage = message;
        Complete(faulted: true);
        watch.Update();
        return true;
    }

    protected override void OnResultTaken()
    {
        Release();
        if (_isCancelled)
        {
            throw new CancelledException(_cancelMessage);
        }
    }

    internal override string Describe() =>
        $"wait for descriptor {watch.Descriptor} to be {(direction == IoReadiness.Readable ? "readable" : "writable")}";
}

using System.Buffers;

namespace Baton.Tests.Files;

/// <summary>
/// Memory that a thread which works on it gets hold of only when the test lets it: so that an operation can be held in its middle.
/// </summary>
internal sealed class HeldMemory(int length) : MemoryManager<byte>
{
    private readonly byte[] _bytes = new byte[length];
    private readonly ManualResetEventSlim _entered = new();
    private readonly ManualResetEventSlim _released = new();

    internal byte[] Bytes => _bytes;

    internal void WaitUntilEntered() => Assert.True(_entered.Wait(TimeSpan.FromSeconds(20)));

    internal void Release() => _released.Set();

    public override Span<byte> GetSpan()
    {
        _entered.Set();
        Assert.True(_released.Wait(TimeSpan.FromSeconds(20)));
        return _bytes;
    }

    public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

    public override void Unpin()
    {
    }

    // Without a look at the span, which would wait.
    public override Memory<byte> Memory => CreateMemory(_bytes.Length);

    protected override void Dispose(bool disposing)
    {
        _entered.Dispose();
        _released.Dispose();
    }
}

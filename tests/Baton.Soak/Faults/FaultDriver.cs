using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Baton.Soak.Faults;

/// <summary>
/// A driver that passes everything on to another one, and now and then changes how it ends, by a seed: within the driver contract, so that
/// what is above has to cope.
/// </summary>
public sealed partial class FaultDriver : IoDriver
{
    private const int MostPolls = 8;

    /// <summary>While something is held back, a poll waits no longer than this.</summary>
    private const long HeldWait = 100_000;

    private readonly IoDriver _inner;
    private readonly Random _random;
    private readonly List<FaultRequest> _held = [];

    /// <summary>Wraps a driver, and owns it.</summary>
    /// <param name="inner">What does the work.</param>
    /// <param name="plan">How often to do what.</param>
    /// <param name="seed">With the same seed and the same operations, the same happens.</param>
    public FaultDriver(IoDriver inner, FaultPlan plan, int seed)
    {
        _inner = inner;
        Plan = plan;
        _random = new Random(seed);
    }

    /// <inheritdoc/>
    public override string Name => $"{_inner.Name} with faults";

    /// <inheritdoc/>
    public override LoopClock Clock => _inner.Clock;

    /// <inheritdoc/>
    public override int OpenSocketCount => _inner.OpenSocketCount;

    /// <inheritdoc/>
    public override IoStatistics Statistics => _inner.Statistics;

    /// <summary>Blocks that somebody holds, of either driver.</summary>
    public int LentBlockCount => Blocks.LentCount + _inner.Blocks.LentCount;

    /// <summary>How many faults there were.</summary>
    public long FaultCount { get; private set; }

    internal FaultPlan Plan { get; private set; }

    /// <summary>Has other faults happen from now on.</summary>
    public void Change(FaultPlan plan) => Plan = plan;

    /// <inheritdoc/>
    public override void Poll(long timeout)
    {
        _inner.Poll(_held.Count > 0 && (timeout < 0 || timeout > HeldWait) ? HeldWait : timeout);
        PollCount = _inner.PollCount;
        if (_held.Count > 0)
        {
            ReleaseHeld();
        }
    }

    /// <inheritdoc/>
    public override void Wake() => _inner.Wake();

    /// <inheritdoc/>
    public override IoSocket CreateSocket(EventLoop loop, AddressFamily addressFamily, SocketType socketType, ProtocolType protocolType)
    {
        if (Happens(Plan.FailedCreate))
        {
            throw new SocketException((int)SocketError.TooManyOpenSockets);
        }

        return new FaultSocket(this, _inner.CreateSocket(loop, addressFamily, socketType, protocolType), isConnected: false);
    }

    /// <inheritdoc/>
    public override IoSocket AdoptSocket(EventLoop loop, SafeSocketHandle handle) =>
        new FaultSocket(this, _inner.AdoptSocket(loop, handle), isConnected: false);

    /// <inheritdoc/>
    public override IoSocket AdoptDescriptor(EventLoop loop, SafeFileHandle handle, FileAccess access = FileAccess.ReadWrite) =>
        new FaultSocket(this, _inner.AdoptDescriptor(loop, handle, access), isConnected: false);

    /// <inheritdoc/>
    public override void Watch(IoWatch watch, IoReadiness interest) => _inner.Watch(watch, interest);

    /// <inheritdoc/>
    public override bool SubmitFile(IoFileRequest request) => _inner.SubmitFile(request);

    /// <inheritdoc/>
    public override void CancelFile(IoFileRequest request) => _inner.CancelFile(request);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        foreach (var request in _held.ToArray())
        {
            request.Drop();
        }

        _held.Clear();
        _inner.Dispose();
    }

    /// <summary>Throws the dice.</summary>
    public bool Happens(double probability)
    {
        if (probability <= 0 || _random.NextDouble() >= probability)
        {
            return false;
        }

        FaultCount++;
        return true;
    }

    /// <summary>A length up to another, mostly a short one.</summary>
    internal int Shorten(int length) =>
        length > 1 && Happens(Plan.ShortTransfer) ? 1 + _random.Next(_random.Next(2) == 0 ? Math.Min(length, 16) : length) : length;

    internal T Choose<T>(params ReadOnlySpan<T> choices) => choices[_random.Next(choices.Length)];

    /// <summary>Keeps an operation that is done for some polls.</summary>
    internal void Hold(FaultRequest request, bool briefly)
    {
        request.PollsLeft = briefly ? 1 : 1 + _random.Next(MostPolls);
        _held.Add(request);
    }

    internal void Forget(FaultRequest request) => _held.Remove(request);

    private void ReleaseHeld()
    {
        // What is delivered may hold something else, which is for the next poll, or end what is held here.
        foreach (var request in _held.ToArray())
        {
            if ((request.IsHeld || request.IsToEndInVain) && --request.PollsLeft <= 0)
            {
                request.OnTime();
            }
        }
    }
}

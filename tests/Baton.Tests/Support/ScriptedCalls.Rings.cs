namespace Baton.Tests;

// io_uring.
public sealed partial class ScriptedCalls
{
    private const int TimeIsOver = -62; // ETIME

    /// <summary>Whether a driver of io_uring is to be made of these calls, in a test that makes its driver of calls.</summary>
    public bool IsForRings { get; init; }

    public Func<int?>? OnRingSetup { get; set; }

    /// <summary>Called with the number of entries to submit, the number of completions to wait for, and the timeout.</summary>
    public Func<int, int, long, int?>? OnRingEnter { get; set; }

    /// <summary>Called with the kernel's number of what is asked.</summary>
    public Func<int, int?>? OnRingRegister { get; set; }

    public Func<int?>? OnRingMap { get; set; }

    public override int RingSetup(int entries, nint parameters) => OnRingSetup?.Invoke() ?? Opened(base.RingSetup(entries, parameters));

    public override int RingEnter(int ring, int toSubmit, int minimum, uint flags, long timeout)
    {
        if (OnRingEnter?.Invoke(toSubmit, minimum, timeout) is { } result)
        {
            return result;
        }

        if (Clock is null || minimum == 0 || timeout <= 0)
        {
            return base.RingEnter(ring, toSubmit, minimum, flags, timeout);
        }

        // Over loopback whatever is going to happen without a timer has happened already.
        result = base.RingEnter(ring, toSubmit, 0, flags, 0);
        if (result >= 0 && base.RingEnter(ring, 0, minimum, flags, 0) == TimeIsOver)
        {
            Clock.Advance(timeout);
        }

        return result;
    }

    public override int RingRegister(int ring, int operation, nint argument, int count) =>
        OnRingRegister?.Invoke(operation) ?? base.RingRegister(ring, operation, argument, count);

    public override nint RingMap(int ring, nuint length, long offset) => OnRingMap?.Invoke() ?? base.RingMap(ring, length, offset);
}

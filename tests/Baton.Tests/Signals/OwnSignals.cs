using System.Runtime.InteropServices;

namespace Baton.Tests.Signals;

/// <summary>
/// Sends signals to this very process. Takes each of them, too, so that none has its default action, and so that a test can wait until the
/// runtime has brought it to everybody: this handler was registered first, and the runtime calls those that came later before it.
/// </summary>
internal sealed class OwnSignals : IDisposable
{
    private readonly PosixSignal _signal;
    private readonly PosixSignalRegistration _registration;
    private readonly SemaphoreSlim _arrived = new(0);

    public OwnSignals(PosixSignal signal)
    {
        _signal = signal;
        _registration = PosixSignalRegistration.Create(signal, context =>
        {
            context.Cancel = true;
            _arrived.Release();
        });
    }

    /// <summary>Sends it, and waits until all handlers of the process have been told.</summary>
    public void Raise()
    {
        Send(_signal);
        Assert.True(_arrived.Wait(TimeSpan.FromSeconds(20)), $"{_signal} did not arrive.");
    }

    /// <summary>
    /// Lets the handlers of signals that have been raised run: one iteration takes what the runtime has posted, the next calls them.
    /// </summary>
    public static Coroutine Settle() => NetTest.Iterate(3);

    public void Dispose()
    {
        _registration.Dispose();
        _arrived.Dispose();
    }

    private static void Send(PosixSignal signal) =>
        Assert.Equal(0, Kill(Environment.ProcessId, signal == PosixSignal.SIGHUP ? 1 : (int)signal));

    [DllImport("libc", EntryPoint = "kill")]
    private static extern int Kill(int processId, int signal);
}

/// <summary>Tests that send signals to their own process do so one after the other.</summary>
[CollectionDefinition(nameof(OwnSignalsCollection))]
public class OwnSignalsCollection;

using System.ComponentModel;
using System.Runtime.InteropServices;

namespace Baton;

public sealed partial class ChildProcess
{
    /// <summary>
    /// Sends a signal to the child. One that has ended is left alone, and nobody else gets the signal. Corresponds to
    /// <c>Process.send_signal</c>.
    /// </summary>
    /// <param name="signal">The signal: one that the BCL has a name for, or any by its number, as <c>(PosixSignal)10</c>.</param>
    /// <param name="entireGroup"> Whether to send it to all processes of the group that the child leads, also after the child itself has
    /// ended. Before Linux 6.9 only for as long as it runs.
    /// </param>
    /// <exception cref="InvalidOperationException">The child does not lead a group, or this is not the loop's thread.</exception>
    /// <exception cref="UnauthorizedAccessException">The child runs as another user.</exception>
    public void SendSignal(PosixSignal signal, bool entireGroup = false)
    {
        Loop.CheckThread();
        if (entireGroup && !Options.LeadsGroup)
        {
            throw new InvalidOperationException($"The {this} does not lead a process group: start it with NewProcessGroup or NewSession.");
        }

        var number = SignalNumbers.NumberOf(signal);
        var result = Reaper.Signal(number, entireGroup);
        if (ChildFailure.IsDenied(result))
        {
            throw new UnauthorizedAccessException(
                $"Cannot send {SignalNumbers.NameOf(number)} to the {this}.", new Win32Exception(-result));
        }

        if (result < 0)
        {
            throw ChildFailure.Create(result, $"Sending {SignalNumbers.NameOf(number)} to the {this}");
        }
    }

    /// <summary>Asks the child to end, by SIGTERM. Corresponds to <c>Process.terminate</c>.</summary>
    /// <inheritdoc cref="SendSignal" path="/exception"/>
    /// <param name="entireGroup">Whether to ask all processes of the group that the child leads.</param>
    public void Terminate(bool entireGroup = false) => SendSignal(PosixSignal.SIGTERM, entireGroup);

    /// <summary>Ends the child, by SIGKILL. Corresponds to <c>Process.kill</c>.</summary>
    /// <inheritdoc cref="SendSignal" path="/exception"/>
    /// <param name="entireGroup">Whether to end all processes of the group that the child leads.</param>
    public void Kill(bool entireGroup = false) => SendSignal((PosixSignal)SignalNumbers.Kill, entireGroup);

    /// <summary>
    /// Asks the child to end, by SIGTERM; kills it if it has not within some time; and waits until it has ended. Where that is cancelled,
    /// the child is killed at once, and the cancellation arrives when it has ended. With <see cref="ChildProcessOptions.KillEntireGroup"/>
    /// the signals go to its whole group.
    /// </summary>
    /// <param name="gracePeriod">
    /// How long the child may take; null for <see cref="ChildProcessOptions.GracePeriod"/>. None kills it at once.
    /// </param>
    /// <returns>As <see cref="ExitCode"/>.</returns>
    /// <inheritdoc cref="SendSignal" path="/exception"/>
    public async Coroutine<int> StopAsync(TimeSpan? gracePeriod = null)
    {
        Loop.CheckThread();
        var grace = gracePeriod ?? Options.GracePeriod;
        ArgumentOutOfRangeException.ThrowIfLessThan(grace, TimeSpan.Zero, nameof(gracePeriod));
        try
        {
            if (grace > TimeSpan.Zero && !HasExited)
            {
                Terminate(Options.KillEntireGroup);
                await CancelScope.Run(async _ => await Reaper.WaitAsync(isCancellable: true), grace);
            }
        }
        finally
        {
            Kill(Options.KillEntireGroup);
            await Reaper.WaitAsync(isCancellable: false);
        }

        return Reaper.Status!.Value.ExitCode;
    }
}

namespace Baton;

public sealed partial class ChildProcess
{
    /// <summary>
    /// Ends the child where it still runs, closes the pipes, and waits until the child has ended: kills it, after
    /// <see cref="ChildProcessOptions.GracePeriod"/>. See <see cref="ChildProcessOptions.KillOnDispose"/> and
    /// <see cref="ChildProcessOptions.KillEntireGroup"/>. Can be called again.
    /// </summary>
    /// <remarks>
    /// Cancelling the task that disposes has the child killed at once; the cancellation arrives when it has ended. A child that runs as
    /// another user, and that this process therefore cannot kill, is reported to the loop's exception handler, and runs on.
    /// </remarks>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public ValueTask DisposeAsync()
    {
        if (!IsDisposed)
        {
            Loop.CheckThread();
            if (Options.KillOnDispose && !HasExited && Options.GracePeriod > TimeSpan.Zero)
            {
                return StopAndDisposeAsync();
            }

            Dispose();
        }

        return Options.KillOnDispose && !_cannotKill ? Reaper.WaitAsync(isCancellable: false) : default;
    }

    /// <summary>
    /// As <see cref="DisposeAsync"/>, without waiting: kills the child where it still runs and closes the pipes. The loop takes its exit
    /// status when it has ended.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public void Dispose()
    {
        if (IsDisposed)
        {
            return;
        }

        Loop.CheckThread();

        // Killed before its input ends, so that it is the same end whether the child would have noticed or not.
        if (!Options.KillOnDispose)
        {
            Reaper.MayOutliveLoop = true;
        }
        else if ((!HasExited || Options.KillEntireGroup) && !Reaper.TryKill())
        {
            _cannotKill = true;
            Reaper.MayOutliveLoop = true;
            Loop.ReportException($"The {this} cannot be killed: it runs as another user. It runs on", null, source: this);
        }

        IsDisposed = true;
        ClosePipes();
        Reaper.ReleaseGroup();
        Loop.UntrackResource(this);
    }

    private bool _cannotKill;

    private async ValueTask StopAndDisposeAsync()
    {
        ClosePipes();
        try
        {
            await StopAsync();
        }
        catch (UnauthorizedAccessException)
        {
            // Said below.
        }
        finally
        {
            Dispose();
        }
    }

    private void ClosePipes()
    {
        StandardInput?.Dispose();
        StandardOutput?.Dispose();
        StandardError?.Dispose();
    }
}

namespace Baton;

// The end, in stages or at once.
public sealed partial class EventLoopGroup
{
    /// <summary>
    /// Ends the group in stages: its servers stop accepting, and it takes no more calls; what it was asked to run, and the handlers of its
    /// servers, may finish; they, and all other tasks that are left on the loops, are cancelled and awaited; the loops are closed.
    /// </summary>
    /// <param name="grace">
    /// How long calls and handlers may take to finish by themselves, by each loop's own clock; <see cref="Timeout.InfiniteTimeSpan"/> sets
    /// no limit.
    /// </param>
    /// <param name="timeout">
    /// How long to wait for those that were cancelled, in real time; for as long as it takes where null. The loops go on ending after that.
    /// </param>
    /// <returns>A task of the BCL. Its continuations run on the thread pool.</returns>
    /// <remarks>Servers that were started otherwise, and tasks that a call has left behind, are not waited for in the first
    /// stage.</remarks>
    /// <exception cref="InvalidOperationException">This is a thread of the group's.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The grace is negative.</exception>
    /// <exception cref="AggregateException">
    /// Loops failed themselves, which the exception handler has been told; or did not end in time (<see cref="TimeoutException"/>): with
    /// the failure of each.
    /// </exception>
    public Task ShutdownAsync(TimeSpan grace, TimeSpan? timeout = null)
    {
        CheckNotOwnThread();
        if (grace != Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(grace, TimeSpan.Zero);
        }

        return ShutdownInStagesAsync(grace, timeout);
    }

    /// <summary>
    /// Ends all loops at once, as <see cref="EventLoopThread.Dispose"/> ends one, and waits, blocking this thread, until they have been
    /// closed and the threads have ended. Can be called again.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is a thread of the group's.</exception>
    public void Dispose()
    {
        RequestStop();
        foreach (var member in _members)
        {
            member.Thread.Dispose();
        }
    }

    /// <summary>As <see cref="Dispose"/>, without blocking this thread.</summary>
    /// <exception cref="InvalidOperationException">This is a thread of the group's.</exception>
    public async ValueTask DisposeAsync()
    {
        RequestStop();
        foreach (var member in _members)
        {
            await member.Thread.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task ShutdownInStagesAsync(TimeSpan grace, TimeSpan? timeout)
    {
        await Task.WhenAll(_members.Select(member => DrainAsync(member, grace))).ConfigureAwait(false);
        var failures = new List<Exception>();
        foreach (var end in _members.Select(member => member.Thread.StopAsync(timeout)).ToList())
        {
            try
            {
                await end.ConfigureAwait(false);
            }
            catch (Exception failure)
            {
                failures.Add(failure);
            }
        }

        if (failures.Count > 0)
        {
            throw new AggregateException($"{this} did not end in good order.", failures);
        }
    }

    private static async Task DrainAsync(GroupMember member, TimeSpan grace)
    {
        try
        {
            await member.Loop.RunCoroutineThreadSafe(member.DrainAsync(grace)).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is InvalidOperationException or OperationCanceledException)
        {
            // The loop has closed, or is being closed, by other means.
        }
    }

    private void RequestStop()
    {
        CheckNotOwnThread();
        foreach (var member in _members)
        {
            member.Thread.RequestStop();
        }
    }

    private void CheckNotOwnThread()
    {
        if (EventLoop.CurrentOrNull is { } loop && Find(loop) is not null)
        {
            throw new InvalidOperationException(
                $"{this} cannot be ended and waited for on a thread of its own, '{loop.Name}', which would wait for itself. " +
                "Do it on another one.");
        }
    }
}

using System.Runtime.InteropServices;
using Baton.Tests.Conformance;
using Baton.Tests.Samples;

namespace Baton.Tests.Core;

/// <summary>
/// What SIGINT and SIGTERM do to <see cref="EventLoop.Run(Func{Coroutine}, EventLoopOptions?)"/>, in a process of its own.
/// </summary>
public class SignalTests
{
    [Theory]
    [InlineData(PosixSignal.SIGINT, 130)]
    [InlineData(PosixSignal.SIGTERM, 143)]
    public async Task The_first_signal_cancels_the_main_task(PosixSignal signal, int exitCode)
    {
        var result = await RunAndSignal("end", signal);
        Assert.Equal(exitCode, result.WithoutStackTrace().ExitCode);
        Assert.Equal(["ready", "finally", $"interrupted by {signal}"], Lines(result));
    }

    [Theory]
    [InlineData(PosixSignal.SIGINT, PosixSignal.SIGINT, 130)]
    [InlineData(PosixSignal.SIGTERM, PosixSignal.SIGTERM, 143)]
    [InlineData(PosixSignal.SIGTERM, PosixSignal.SIGINT, 130)]
    public async Task The_second_signal_ends_the_process(PosixSignal first, PosixSignal second, int exitCode)
    {
        await using var host = Start("go-on");
        await host.WaitForLineAsync("ready");
        host.Signal(first);
        await host.WaitForLineAsync("went on");
        host.Signal(second);
        var result = await host.WaitForExitAsync();
        Assert.Equal(exitCode, result.ExitCode);
        Assert.DoesNotContain("interrupted", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("returned", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_second_signal_ends_a_process_whose_loop_is_blocked()
    {
        await using var host = Start("block");
        await host.WaitForLineAsync("ready");
        var ended = host.WaitForExitAsync();

        // Two signals of a kind that come at once are one: repeat until the second has been seen.
        while (!ended.IsCompleted)
        {
            host.TryInterrupt();
            await Task.WhenAny(ended, Task.Delay(TimeSpan.FromMilliseconds(100)));
        }

        Assert.Equal(130, (await ended).ExitCode);
    }

    [Fact]
    public async Task A_main_task_that_takes_the_request_back_returns_as_it_likes()
    {
        var result = await RunAndSignal("take-back", PosixSignal.SIGINT);
        Assert.Equal(5, result.ExitCode);
        Assert.Equal(["ready", "finally", "returned"], Lines(result));
    }

    [Fact]
    public async Task A_main_task_in_a_foreign_wait_is_interrupted_through_its_token()
    {
        var result = await RunAndSignal("foreign", PosixSignal.SIGINT);
        Assert.Equal(130, result.WithoutStackTrace().ExitCode);
        Assert.Equal(["ready", "finally", "interrupted by SIGINT"], Lines(result));
    }

    [Fact]
    [CPython("test_runners.RunnerTests.test_interrupt_call_soon")]
    public async Task A_main_task_that_only_yields_is_interrupted()
    {
        var result = await RunAndSignal("spin", PosixSignal.SIGINT);
        Assert.Equal(130, result.WithoutStackTrace().ExitCode);
        Assert.Equal(["ready", "finally", "interrupted by SIGINT"], Lines(result));
    }

    [Fact]
    [CPython("test_runners.RunnerTests.test_interrupt_wait")]
    public async Task The_future_that_the_main_task_waits_for_is_cancelled_with_it()
    {
        var result = await RunAndSignal("future", PosixSignal.SIGINT);
        Assert.Equal(130, result.WithoutStackTrace().ExitCode);
        Assert.Equal(["ready", "future cancelled", "finally", "interrupted by SIGINT"], Lines(result));
    }

    [Fact]
    [CPython("test_runners.RunnerTests.test_interrupt_cancelled_task")]
    public async Task A_main_task_that_somebody_had_cancelled_before_the_signal_ends_as_cancelled_and_not_as_interrupted()
    {
        var result = await RunAndSignal("cancelled", PosixSignal.SIGINT, "went on");
        Assert.Equal(1, result.WithoutStackTrace().ExitCode);
        Assert.Equal(["ready", "went on", "finally", "cancelled"], Lines(result));
    }

    [Fact]
    [CPython("test_runners.RunnerTests.test_signal_install_not_supported_ok", Improvement = "Handles signals on whichever thread Run is called, not on the main one alone.")]
    public async Task A_loop_on_another_thread_than_the_first_is_interrupted_too()
    {
        var result = await RunAndSignal("thread", PosixSignal.SIGINT);
        Assert.Equal(130, result.WithoutStackTrace().ExitCode);
        Assert.Equal(["ready", "finally", "interrupted by SIGINT"], Lines(result));
    }

    [Fact]
    public async Task The_other_tasks_clean_up_before_the_process_ends()
    {
        var result = await RunAndSignal("clean-up", PosixSignal.SIGTERM);
        Assert.Equal(143, result.WithoutStackTrace().ExitCode);
        Assert.Equal(["ready", "finally", "cleaned up", "interrupted by SIGTERM"], Lines(result));
    }

    [Fact]
    public async Task A_signal_is_logged()
    {
        var result = await RunAndSignal("log", PosixSignal.SIGTERM);
        Assert.Equal(143, result.WithoutStackTrace().ExitCode);
        Assert.Equal(
            ["ready", "Information 20: [loop] Received SIGTERM: cancelling the main task.", "finally", "interrupted by SIGTERM"],
            Lines(result));
    }

    [Fact]
    [CPython("test_unix_events.SelectorEventLoopSignalTests.test_remove_signal_handler_2")]
    public async Task A_handler_takes_signals_from_the_main_task_until_it_is_removed()
    {
        await using var host = Start("handler");
        await SendThreeOfEach(host);
        await host.WaitForLineAsync("removed");
        host.Signal(PosixSignal.SIGINT);
        var result = await host.WaitForExitAsync();
        Assert.Equal(130, result.WithoutStackTrace().ExitCode);
        Assert.Equal(
            [
                "ready",
                "waiting for SIGINT", "handled SIGINT 1", "handled SIGINT 2", "handled SIGINT 3",
                "waiting for SIGTERM", "handled SIGTERM 1", "handled SIGTERM 2", "handled SIGTERM 3",
                "removed", "finally", "interrupted by SIGINT",
            ],
            Lines(result));
    }

    [Fact]
    [CPython("test_unix_events.SelectorEventLoopSignalTests.test_remove_signal_handler")]
    public async Task A_signal_that_nobody_else_handles_has_its_default_action_when_the_handler_is_removed()
    {
        await using var host = Start("unhandled");
        await SendThreeOfEach(host);
        await host.WaitForLineAsync("removed");
        host.Signal(PosixSignal.SIGTERM);
        var result = await host.WaitForExitAsync();
        Assert.Equal(143, result.ExitCode);
        Assert.DoesNotContain("finally", Lines(result));
    }

    [Fact]
    public async Task A_signal_has_its_default_action_when_the_loop_is_closed()
    {
        const int SigUser1 = 10;
        await using var host = Start("closed");
        await host.WaitForLineAsync("closed");
        host.Signal(SigUser1);
        Assert.Equal(128 + SigUser1, (await host.WaitForExitAsync()).ExitCode);
    }

    private static async Task SendThreeOfEach(SampleProcess host)
    {
        foreach (var signal in new[] { PosixSignal.SIGINT, PosixSignal.SIGTERM })
        {
            await host.WaitForLineAsync($"waiting for {signal}");
            for (var i = 1; i <= 3; i++)
            {
                host.Signal(signal);
                await host.WaitForLineAsync($"handled {signal} {i}");
            }
        }
    }

    private static SampleProcess Start(string mode)
    {
        Assert.SkipUnless(LoopTest.HasDefaultDriver(), "There is no default driver on this platform.");
        return SampleProcess.StartSample("Baton.SignalHost", mode);
    }

    /// <summary>Runs the program, and sends it a signal when it has printed a line.</summary>
    private static async Task<SampleResult> RunAndSignal(string mode, PosixSignal signal, string line = "ready")
    {
        await using var host = Start(mode);
        await host.WaitForLineAsync(line);
        host.Signal(signal);
        return await host.WaitForExitAsync();
    }

    private static string[] Lines(SampleResult result) =>
        result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}

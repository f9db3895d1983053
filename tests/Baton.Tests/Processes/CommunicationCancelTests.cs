using Baton.Soak.Faults;

namespace Baton.Tests.Processes;

public class CommunicationCancelTests
{
    /// <summary>
    /// The cancel ends the feeding, and the child then its output, at its proper end: that may not pass for all of the output, whatever has
    /// completed at the same time.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Cancelled_while_it_feeds_it_never_returns_a_part_of_the_output(int seed) => LoopTest.OnThread(() =>
    {
        Assert.SkipUnless(ChildProcess.IsSupported, "Children need Linux.");
        var random = new Random(seed);
        var driver = new FaultDriver(TestDriver.Create(), new FaultPlan { Name = "late", Delay = 0.3 }, seed);
        using var loop = new EventLoop(new EventLoopOptions { Driver = driver });
        loop.RunUntilComplete(RunAsync());
        Assert.Equal(0, driver.OpenSocketCount);

        async Coroutine RunAsync()
        {
            for (var i = 0; i < 60; i++)
            {
                await AttemptAsync(i % 2 == 0, TimeSpan.FromMilliseconds(random.NextDouble() * 5));
            }
        }
    });

    private static async Coroutine AttemptAsync(bool feeds, TimeSpan limit)
    {
        var input = feeds ? NetTest.Pattern(500_000) : [];
        string[] arguments = feeds ? ["-c", "tee /dev/stderr"] : ["-c", "head -c 300000 /dev/zero >&2"];
        var options = new ChildProcessOptions
        {
            StandardInput = StandardStream.Pipe,
            StandardOutput = StandardStream.Pipe,
            StandardError = StandardStream.Pipe,
        };
        await using var child = ChildProcess.Start("sh", arguments, options);
        ChildResult? result = null;
        await CancelScope.Run(async Coroutine (_) => result = await child.CommunicateAsync(input), limit);
        if (result is not null)
        {
            Assert.Equal(input, result.Output);
            Assert.Equal(feeds ? input.Length : 300_000, result.Error.Length);
        }
    }
}

using Baton.Tests.Samples;

namespace Baton.Tests.Net.Faults;

/// <summary>
/// A process without descriptors left: every operation says so, the loop goes on, and so does the server once there are some again.
/// </summary>
public class DescriptorExhaustionTests
{
    [Fact]
    public async Task A_process_without_descriptors_goes_on_with_what_it_has()
    {
        await using var host = SampleProcess.StartSampleWithDescriptorLimit(200, "Baton.ExhaustionHost");
        var result = (await host.WaitForExitAsync()).WithoutStackTrace();
        Assert.Equal("", result.Errors);
        Assert.Equal(0, result.ExitCode);
        var lines = result.Output.TrimEnd().Split('\n');
        Assert.Equal(TestDriver.Name, lines[0]);
        Assert.Contains("connect: TooManyOpenSockets: Creating a socket failed: Too many open files", lines);
        Assert.Contains("create: TooManyOpenSockets: Creating a socket failed: Too many open files", lines);
        Assert.Equal(3, lines.Count(line => line == "echo"));
        var report = Assert.Single(lines, line => line.StartsWith("reported: ", StringComparison.Ordinal));
        Assert.Matches(
            "^reported: Cannot accept connections at 127.0.0.1:[0-9]+ for now; trying again every 1 s: TooManyOpenSockets$", report);
        Assert.Equal(["open 1", "reports 1"], lines[^2..]);
    }
}

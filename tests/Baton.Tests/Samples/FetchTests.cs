using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Baton.Tests.Samples;

public sealed class FetchTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    // Takes connections and never answers: its backlog does, nobody accepts.
    private readonly TcpListener _silent = new(IPAddress.Loopback, 0);
    private readonly HttpListener _server = new();
    private readonly string _address;

    public FetchTests()
    {
        _silent.Start();
        _address = $"http://127.0.0.1:{FreePort()}/";
        _server.Prefixes.Add(_address);
        _server.Start();
        _ = ServeAsync();
    }

    private string SilentAddress => $"http://{_silent.LocalEndpoint}/";

    public void Dispose()
    {
        _silent.Dispose();
        _server.Close();
        File.Delete(_file);
    }

    [Fact]
    public async Task It_fetches_every_page_of_its_own_server_on_one_thread()
    {
        await using var fetch = SampleProcess.StartSample("Fetch", "--pages", "200");

        var result = (await fetch.WaitForExitAsync()).WithoutStackTrace();

        Assert.Equal(0, result.ExitCode);
        Assert.Equal("200 of 200 pages fetched.", result.LastLine);
        Assert.Contains("(the only one)", result.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\e', result.Output);
        Assert.Empty(result.Errors);
    }

    [Fact]
    public async Task A_page_that_fails_is_one_line_and_stops_no_other()
    {
        await File.WriteAllLinesAsync(
            _file, ["# pages", "", _address + "good", "  ", "no address", "ftp://127.0.0.1/", _address + "missing"]);
        var refused = $"http://127.0.0.1:{FreePort()}/";

        await using var fetch = SampleProcess.StartSample(
            "Fetch", refused, "--file", _file, "http://no-such-host.invalid/", SilentAddress, "--timeout", "3");

        var result = (await fetch.WaitForExitAsync()).WithoutStackTrace();
        Assert.Equal(1, result.ExitCode);
        Assert.Equal("1 of 7 pages fetched.", result.LastLine);
        AssertLine(result, "HTTP 200", _address + "good");
        AssertLine(result, "HTTP 404", _address + "missing");
        AssertLine(result, "refused", refused);
        AssertLine(result, "no such host", "http://no-such-host.invalid/");
        AssertLine(result, "timed out", SilentAddress);
        AssertLine(result, "malformed", $"{_file}:5: 'no address'");
        AssertLine(result, "malformed", $"{_file}:6: 'ftp://127.0.0.1/'");
    }

    [Theory]
    [InlineData(PosixSignal.SIGINT, 130)]
    [InlineData(PosixSignal.SIGTERM, 143)]
    public async Task A_signal_ends_it_with_a_report_of_what_is_done(PosixSignal signal, int exitCode)
    {
        await using var fetch = SampleProcess.StartSample("Fetch", _address + "good", SilentAddress);
        await fetch.WaitForLineAsync("1 of 2, 0 failed");

        fetch.Signal(signal);

        var result = (await fetch.WaitForExitAsync()).WithoutStackTrace();
        Assert.Equal(exitCode, result.ExitCode);
        Assert.Equal("Stopped early: 1 of 2 pages fetched.", result.LastLine);
        AssertLine(result, "HTTP 200", _address + "good");
    }

    [Theory]
    [InlineData("--concurrency", "0")]
    [InlineData("--concurrency", "many")]
    [InlineData("--timeout", "-1")]
    [InlineData("--timeout", "NaN")]
    [InlineData("--pages", "0")]
    [InlineData("--file", "/no/such/file")]
    [InlineData("--nonsense", "http://127.0.0.1/")]
    public async Task An_option_that_makes_no_sense_is_named(string option, string value)
    {
        await using var fetch = SampleProcess.StartSample("Fetch", option, value);

        var result = (await fetch.WaitForExitAsync()).WithoutStackTrace();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(option == "--file" ? value : option, result.Errors, StringComparison.Ordinal);
    }

    private static void AssertLine(SampleResult result, string start, string text) => Assert.Single(
        result.Output.Split('\n'),
        line => line.StartsWith(start, StringComparison.Ordinal) && line.Contains(text, StringComparison.Ordinal));

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                var context = await _server.GetContextAsync();
                context.Response.StatusCode = context.Request.RawUrl == "/good" ? 200 : 404;
                context.Response.Close("content"u8.ToArray(), willBlock: false);
            }
        }
        catch (Exception exception) when (exception is HttpListenerException or ObjectDisposedException)
        {
            // The test is over.
        }
    }
}

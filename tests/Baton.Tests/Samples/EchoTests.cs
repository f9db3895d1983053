using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Baton.Tests.Samples;

public class EchoTests
{
    [Fact]
    public async Task It_echoes_to_nc_until_half_close()
    {
        await using var server = SampleProcess.StartSample("Echo", "serve", "--host", "127.0.0.1", "--port", "0");
        var port = await PortAsync(server);

        await using var nc = SampleProcess.StartTool("nc", "-N", "127.0.0.1", port);
        await nc.Input.WriteAsync("one\ntwo\n");
        nc.Input.Close();

        var result = await nc.WaitForExitAsync();
        Assert.Equal("one\ntwo\n", result.Output);
        Assert.Equal(0, result.ExitCode);
        await server.WaitForLineAsync("#1 opened by 127.0.0.1:");
        await server.WaitForLineAsync("#1 closed after 8 bytes, 0 open");
    }

    [Fact]
    public async Task It_echoes_to_curl()
    {
        await using var server = SampleProcess.StartSample("Echo", "serve", "--host", "127.0.0.1", "--port", "0");
        var port = await PortAsync(server);

        await using var curl = SampleProcess.StartTool("curl", "--silent", "--no-buffer", "--max-time", "30", $"telnet://127.0.0.1:{port}");
        await curl.Input.WriteAsync("hello from curl\n");
        await curl.Input.FlushAsync(TestContext.Current.CancellationToken);

        Assert.Equal("hello from curl", await curl.WaitForLineAsync("hello"));
    }

    [Theory]
    [InlineData(PosixSignal.SIGINT)]
    [InlineData(PosixSignal.SIGTERM)]
    public async Task A_signal_stops_the_server_with_its_totals(PosixSignal signal)
    {
        await using var server = SampleProcess.StartSample("Echo", "serve", "--host", "127.0.0.1", "--port", "0", "--quiet");
        var port = await PortAsync(server);
        await using var client = SampleProcess.StartSample("Echo", "connect", $"127.0.0.1:{port}");
        await client.Input.WriteLineAsync("before");
        await client.Input.FlushAsync(TestContext.Current.CancellationToken);
        await client.WaitForLineAsync("before");

        server.Signal(signal);

        // Draining: the connection that is open goes on working until its client ends it.
        await server.WaitForLineAsync("Stopping: 1 open");
        await client.Input.WriteLineAsync("after");
        client.Input.Close();
        var clientResult = (await client.WaitForExitAsync()).WithoutStackTrace();
        Assert.Equal("before\nafter\n", clientResult.Output);
        Assert.Equal(0, clientResult.ExitCode);
        var result = (await server.WaitForExitAsync()).WithoutStackTrace();
        Assert.Equal(0, result.ExitCode);
        Assert.Equal("Echoed 13 bytes to 1 connection.", result.LastLine);
        Assert.Empty(result.Errors);
    }

    [Fact]
    public async Task The_client_sends_a_whole_file_and_gets_it_back()
    {
        await using var server = SampleProcess.StartSample("Echo", "serve", "--host", "127.0.0.1", "--port", "0");
        var port = await PortAsync(server);
        var lines = string.Concat(Enumerable.Range(0, 100_000).Select(number => $"line {number}\n"));

        await using var client = SampleProcess.StartSample("Echo", "connect", $"127.0.0.1:{port}");
        await client.Input.WriteAsync(lines);
        client.Input.Close();

        var result = (await client.WaitForExitAsync()).WithoutStackTrace();
        Assert.Equal(0, result.ExitCode);
        Assert.Equal(lines, result.Output);
    }

    [Theory]
    [InlineData("127.0.0.1:1", "refused")]
    [InlineData("no-such-host.invalid:7000", "no-such-host.invalid")]
    [InlineData("::1:7000", "[::1]:7000")]
    [InlineData("localhost", "HOST:PORT")]
    [InlineData("localhost:70000", "HOST:PORT")]
    public async Task The_client_says_what_is_wrong_with_a_peer(string peer, string message)
    {
        await using var client = SampleProcess.StartSample("Echo", "connect", peer);

        var result = (await client.WaitForExitAsync()).WithoutStackTrace();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_server_says_that_a_port_is_taken()
    {
        await using var first = SampleProcess.StartSample("Echo", "serve", "--host", "127.0.0.1", "--port", "0");
        var port = await PortAsync(first);

        await using var second = SampleProcess.StartSample("Echo", "serve", "--host", "127.0.0.1", "--port", port);

        var result = (await second.WaitForExitAsync()).WithoutStackTrace();
        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"127.0.0.1:{port}", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_server_survives_running_out_of_descriptors()
    {
        await using var server = SampleProcess.StartSampleWithDescriptorLimit(150, "Echo", "serve", "--host", "127.0.0.1", "--port", "0");
        var port = int.Parse(await PortAsync(server), CultureInfo.InvariantCulture);

        // More than it can accept, the rest of which wait in its backlog.
        var clients = new List<TcpClient>();
        for (var i = 0; i < 140; i++)
        {
            clients.Add(new TcpClient("127.0.0.1", port));
        }

        clients.ForEach(client => client.Dispose());
        await server.WaitForLineAsync("#140 closed");

        server.Signal(PosixSignal.SIGTERM);
        var result = await server.WaitForExitAsync();
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Cannot accept connections", result.Errors, StringComparison.Ordinal);
        Assert.Contains("Too many open files", result.Errors, StringComparison.Ordinal);
    }

    private static async Task<string> PortAsync(SampleProcess server)
    {
        var line = await server.WaitForLineAsync("Listening on ");
        return line[(line.LastIndexOf(':') + 1)..];
    }
}

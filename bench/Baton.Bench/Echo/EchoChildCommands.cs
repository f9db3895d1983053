using System.CommandLine;
using System.Diagnostics;

namespace Baton.Bench.Echo;

/// <summary>
/// The hidden commands under which this program serves as its own peers and load generator, and how the harness calls them.
/// </summary>
internal static class EchoChildCommands
{
    private const string ServeSockets = "serve-sockets";
    private const string ServeBaton = "serve-baton";
    private const string Load = "load";
    private const string Raw = "--raw";

    public static ProcessStartInfo SocketServer() => ChildProcess.Self(ServeSockets);

    public static ProcessStartInfo BatonServer(bool raw) => ChildProcess.Self(raw ? [ServeBaton, Raw] : [ServeBaton]);

    public static ProcessStartInfo LoadGenerator(int port, int serverProcess, LoadPlan plan)
    {
        var start = ChildProcess.Self(
            Load, "--port", $"{port}", "--server-process", $"{serverProcess}", "--connections", $"{plan.Connections}",
            "--warmup", $"{plan.Warmup.TotalSeconds:R}", "--seconds", $"{plan.Window.TotalSeconds:R}", "--mode", $"{plan.Mode}");

        // All of it is compiled fully at first use: a generator that becomes faster during the window would measure itself.
        start.Environment["DOTNET_TieredCompilation"] = "0";
        return start;
    }

    public static Command CreateSocketServer()
    {
        var command = new Command(ServeSockets, "Serves echoes with System.Net.Sockets.") { Hidden = true };
        command.SetAction(_ => SocketEchoServer.RunAsync());
        return command;
    }

    public static Command CreateBatonServer()
    {
        var raw = new Option<bool>(Raw) { Description = "Over bare sockets instead of connections." };
        var command = new Command(ServeBaton, "Serves echoes with Baton.") { raw };
        command.Hidden = true;
        command.SetAction(parsed => RunBatonServer(parsed.GetValue(raw)));
        return command;
    }

    public static Command CreateLoad()
    {
        var port = new Option<int>("--port") { Required = true };
        var serverProcess = new Option<int>("--server-process") { Required = true };
        var connections = new Option<int>("--connections") { Required = true };
        var warmup = new Option<double>("--warmup") { Required = true };
        var seconds = new Option<double>("--seconds") { Required = true };
        var mode = new Option<LoadMode>("--mode");
        var command = new Command(Load, "Loads an echo server and reports.")
        {
            port, serverProcess, connections, warmup, seconds, mode,
        };
        command.Hidden = true;
        command.SetAction(parsed => LoadSession.Run(
            parsed.GetValue(port),
            parsed.GetValue(serverProcess),
            new LoadPlan(
                parsed.GetValue(connections),
                TimeSpan.FromSeconds(parsed.GetValue(warmup)),
                TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                parsed.GetValue(mode))));
        return command;
    }

    private static void RunBatonServer(bool raw)
    {
        if (raw) BatonEchoServer.RunSockets();
        else BatonEchoServer.RunConnections();
    }
}

using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Baton;

namespace Echo;

/// <summary><c>serve</c>: runs an <see cref="EchoServer"/> until a signal stops it.</summary>
internal static class ServeCommand
{
    private static readonly Option<int> Port = new("--port")
    {
        Description = "The port to listen on; 0 for any that is free.",
        HelpName = "PORT",
        DefaultValueFactory = _ => 7000,
    };

    private static readonly Option<string> Host = new("--host")
    {
        Description = "The name or address to listen on; * for every interface, IPv4 and IPv6.",
        HelpName = "HOST",
        DefaultValueFactory = _ => "localhost",
    };

    private static readonly Option<bool> Quiet = new("--quiet") { Description = "Say nothing about single connections." };

    public static Command Create()
    {
        Port.Validators.Add(result =>
        {
            if (int.TryParse(result.Tokens is [var token] ? token.Value : "0", out var port)
                && port is < IPEndPoint.MinPort or > IPEndPoint.MaxPort)
            {
                result.AddError($"--port must be from {IPEndPoint.MinPort} to {IPEndPoint.MaxPort}, not {port}.");
            }
        });
        var command = new Command("serve", "Sends back whatever it receives, until Ctrl-C or SIGTERM.") { Port, Host, Quiet };
        command.SetAction(line => Run(line.GetRequiredValue(Host), line.GetValue(Port), line.GetValue(Quiet)));
        return command;
    }

    private static int Run(string host, int port, bool quiet)
    {
        try
        {
            EventLoop.Run(() => new EchoServer(quiet).RunAsync(host == "*" ? null : host, port));
            return 0;
        }
        catch (SocketException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
        catch (InterruptedException interrupted)
        {
            // Before it listened. Later a signal is how the server is told to stop, and no failure.
            return interrupted.ExitCode;
        }
    }
}

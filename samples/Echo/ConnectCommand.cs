using System.CommandLine;
using System.Net.Sockets;
using Baton;

namespace Echo;

/// <summary><c>connect</c>: runs an <see cref="EchoClient"/>.</summary>
internal static class ConnectCommand
{
    private static readonly Argument<HostAndPort> Peer = new("HOST:PORT")
    {
        Description = "The server, such as localhost:7000, 127.0.0.1:7000 or [::1]:7000.",
        CustomParser = result =>
        {
            var text = result.Tokens[0].Value;
            if (HostAndPort.TryParse(text, out var peer))
            {
                return peer;
            }

            result.AddError($"'{text}' is not HOST:PORT, such as localhost:7000 or [::1]:7000.");
            return null;
        },
    };

    public static Command Create()
    {
        var command = new Command("connect", "Sends the standard input to a server and prints what comes back.") { Peer };
        command.SetAction(line => Run(line.GetRequiredValue(Peer)));
        return command;
    }

    private static int Run(HostAndPort peer)
    {
        try
        {
            EventLoop.Run(() => EchoClient.RunAsync(peer));
            return 0;
        }
        catch (InterruptedException interrupted)
        {
            return interrupted.ExitCode;
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
    }
}

using System.CommandLine;
using System.Net;
using System.Net.Sockets;
using Baton;
using RedisServer;

var port = new Option<int>("--port")
{
    Description = "The port to listen on; 0 for any that is free.",
    HelpName = "PORT",
    DefaultValueFactory = _ => 7000,
};
var host = new Option<string>("--bind")
{
    Description = "The name or address to listen on; * for every interface, IPv4 and IPv6.",
    HelpName = "HOST",
    DefaultValueFactory = _ => "localhost",
};
var appendOnly = new Option<string>("--appendonly")
{
    Description = "Whether changes are kept in the append-only file.",
    DefaultValueFactory = _ => "no",
};
var directory = new Option<string>("--dir")
{
    Description = "The folder of appendonly.aof.",
    HelpName = "DIR",
    DefaultValueFactory = _ => ".",
};
var fsync = new Option<string>("--appendfsync")
{
    Description = "When the file is flushed to the device: before anybody is answered, once a second, or when the system sees fit.",
    DefaultValueFactory = _ => "everysec",
};
var outputLimit = new Option<long>("--output-limit")
{
    Description = "How much may wait to be sent to a subscriber before it is disconnected.",
    HelpName = "BYTES",
    DefaultValueFactory = _ => 32 * 1024 * 1024,
};
appendOnly.AcceptOnlyFromAmong("yes", "no");
fsync.AcceptOnlyFromAmong("always", "everysec", "no");
port.Validators.Add(result =>
{
    if (int.TryParse(result.Tokens is [var token] ? token.Value : "0", out var number)
        && number is < IPEndPoint.MinPort or > IPEndPoint.MaxPort)
    {
        result.AddError($"--port must be from {IPEndPoint.MinPort} to {IPEndPoint.MaxPort}, not {number}.");
    }
});
outputLimit.Validators.Add(result =>
{
    if (long.TryParse(result.Tokens is [var token] ? token.Value : "1", out var bytes) && bytes < 1)
    {
        result.AddError($"--output-limit must be at least 1, not {bytes}.");
    }
});

var command = new RootCommand("A server that speaks the Redis protocol, on one event loop.")
{
    port, host, appendOnly, directory, fsync, outputLimit,
};
command.SetAction(line =>
{
    var name = line.GetRequiredValue(host);
    return Run(new Settings
    {
        Port = line.GetValue(port),
        Host = name == "*" ? null : name,
        AppendOnly = line.GetValue(appendOnly) == "yes",
        Directory = line.GetRequiredValue(directory),
        Fsync = Enum.Parse<FsyncPolicy>(line.GetRequiredValue(fsync), ignoreCase: true),
        OutputLimit = line.GetValue(outputLimit),
    });
});
return command.Parse(args).Invoke();

static int Run(Settings settings)
{
    try
    {
        EventLoop.Run(() => new RedisService(settings).RunAsync());
        return 0;
    }
    catch (Exception exception) when (exception is SocketException or IOException or UnauthorizedAccessException or DamagedFileException)
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

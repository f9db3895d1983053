using System.CommandLine;
using Echo;

// An echo server, and a client for it or for any other server that talks lines over TCP.
var command = new RootCommand("An echo server and a client, each on one event loop.") { ServeCommand.Create(), ConnectCommand.Create() };
return command.Parse(args).Invoke();

using System.CommandLine;
using Baton.Bench.Echo;

var root = new RootCommand("Measures Baton against what else there is. Run it from a Release build.")
{
    EchoCommand.Create(),

    // What the harness starts as child processes.
    EchoChildCommands.CreateSocketServer(),
    EchoChildCommands.CreateBatonServer(),
    EchoChildCommands.CreateLoad(),
};

return await root.Parse(args).InvokeAsync();

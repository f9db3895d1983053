using System.CommandLine;
using Baton.Bench.Echo;
using Baton.Bench.Micro;
using Baton.Bench.Oracle;

var root = new RootCommand("Measures Baton against what else there is. Run it from a Release build.")
{
    MicroCommand.Create(),
    EchoCommand.Create(),
    OracleCommand.Create(),

    // What the harness starts as child processes.
    EchoChildCommands.CreateSocketServer(),
    EchoChildCommands.CreateBatonServer(),
    EchoChildCommands.CreateLoad(),
};

return await root.Parse(args).InvokeAsync();

using System.CommandLine;
using Baton.Bench.Connect;
using Baton.Bench.Echo;
using Baton.Bench.Group;
using Baton.Bench.Micro;
using Baton.Bench.Net;
using Baton.Bench.Oracle;
using Baton.Bench.Processes;
using Baton.Bench.SendFile;
using Baton.Bench.Soak;
using Baton.Bench.Tls;
using Baton.Bench.Udp;

NetBenchmark[] benchmarks =
[
    new EchoBenchmark(),
    new TlsBenchmark(),
    new ConnectBenchmark(answers: false),
    new ConnectBenchmark(answers: true),
    new UdpBenchmark(),
    new SendFileBenchmark(),
    new GroupBenchmark(),
];

var root = new RootCommand("Measures Baton against what else there is. Run it from a Release build.")
{
    MicroCommand.Create(),
    OracleCommand.Create(),
    SoakCommand.Create(),
    SpawnCommand.Create(),
    PipeCommand.Create(),

    // What the harness starts as child processes.
    ChildCommands.CreateServer(benchmarks),
    ChildCommands.CreateLoad(benchmarks),
    SpawnCommand.CreateWorker(),
    PipeCommand.CreateWorker(),
};
foreach (var benchmark in benchmarks) root.Add(NetCommand.Create(benchmark));

return await root.Parse(args).InvokeAsync();

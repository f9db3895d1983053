using System.Diagnostics;
using Npgsql;

namespace Baton.Tests.Net.Counterparts;

/// <summary>A PostgreSQL server of the tests' own, with a new cluster in a temporary folder, on a port of 127.0.0.1.</summary>
public sealed class PostgresServer : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly CounterpartProcess? _process;

    public PostgresServer()
    {
        if (FindPrograms() is not { } programs)
        {
            return;
        }

        var data = _folder["data"];
        // PostgreSQL refuses to run as root.
        string[] user = Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] : ["env"];
        if (Environment.IsPrivilegedProcess)
        {
            Execute("chown", "postgres", _folder.Path);
        }

        Execute(user[0],
        [
            .. user[1..], Path.Combine(programs, "initdb"), "--pgdata", data, "--username", "tests", "--auth", "trust", "--no-sync",
            "--no-instructions",
            "--locale", "C", "--encoding", "UTF8",
        ]);
        var port = CounterpartProcess.FreePort();
        _process = CounterpartProcess.StartServer(
            user[0],
            [
                .. user[1..], Path.Combine(programs, "postgres"), "-D", data, "-h", "127.0.0.1", "-p", $"{port}", "-k", _folder.Path, "-F",
                "-c", "autovacuum=off", "-c", "max_connections=50", "-c", "shared_buffers=16MB",
            ],
            signal: "INT");
        _process.WaitForLine("database system is ready to accept connections").GetAwaiter().GetResult();
        DataSource = NpgsqlDataSource.Create($"Host=127.0.0.1;Port={port};Username=tests;Database=postgres;Maximum Pool Size=8");
    }

    /// <summary>Null where PostgreSQL is not installed.</summary>
    public NpgsqlDataSource? DataSource { get; }

    public void Dispose()
    {
        DataSource?.Dispose();
        _process?.Dispose();
        _folder.Dispose();
    }

    /// <summary>The newest version's folder of programs: Debian puts none of them on the path.</summary>
    private static string? FindPrograms()
    {
        const string Debian = "/usr/lib/postgresql";
        var folders = Directory.Exists(Debian) ? Directory.GetDirectories(Debian).Select(version => Path.Combine(version, "bin")) : [];
        return folders.Order().LastOrDefault(
            folder => File.Exists(Path.Combine(folder, "initdb")) && File.Exists(Path.Combine(folder, "postgres")));
    }

    private static void Execute(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(CounterpartProcess.Require(program), arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, errors.GetAwaiter().GetResult());
    }
}

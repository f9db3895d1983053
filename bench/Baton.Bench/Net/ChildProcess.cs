using System.Diagnostics;

namespace Baton.Bench.Net;

/// <summary>
/// A child that the harness started, talks to by lines, and ends by its id. Nothing waits for a child without a limit.
/// </summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    public int Id => _process.Id;

    /// <summary>How long the child may take to end by itself once its input has ended; then it is killed.</summary>
    public TimeSpan Grace { get; set; } = TimeSpan.FromSeconds(1);

    public static ChildProcess Start(ProcessStartInfo startInfo, int? cpu)
    {
        startInfo.UseShellExecute = false;
        startInfo.RedirectStandardInput = true;
        startInfo.RedirectStandardOutput = true;
        var process = new Process { StartInfo = startInfo };
        CpuPinning.Start(process, cpu);
        return new ChildProcess(process);
    }

    /// <summary>This program again, with other arguments.</summary>
    public static ProcessStartInfo Self(params IEnumerable<string> arguments)
    {
        var program = Environment.ProcessPath ?? throw new InvalidOperationException("The path of this program is unknown.");
        // Under `dotnet Baton.Bench.dll` the program is the host, and the first argument names the assembly.
        var isHost = Path.GetFileNameWithoutExtension(program) == "dotnet";
        return new ProcessStartInfo(program, isHost ? [Environment.GetCommandLineArgs()[0], .. arguments] : arguments);
    }

    public Task<string> ReadLineAsync(TimeSpan limit, CancellationToken cancellation) =>
        ReadLineAsync(_process.StandardOutput, limit, cancellation);

    /// <summary>For a child that was started with its standard error redirected.</summary>
    public Task<string> ReadErrorLineAsync(TimeSpan limit, CancellationToken cancellation) =>
        ReadLineAsync(_process.StandardError, limit, cancellation);

    public void WriteLine(string line)
    {
        _process.StandardInput.WriteLine(line);
        _process.StandardInput.Flush();
    }

    public async Task InterruptAsync(TimeSpan limit, CancellationToken cancellation)
    {
        Libc.Check(Libc.kill(Id, Libc.SIGINT), "kill");
        await _process.WaitForExitAsync(cancellation).WaitAsync(limit, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It has ended already and could not take what was left to write.
        }

        using (var limit = new CancellationTokenSource(Grace))
        {
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill();
                await _process.WaitForExitAsync(CancellationToken.None);
            }
        }
        _process.Dispose();
    }

    private async Task<string> ReadLineAsync(StreamReader reader, TimeSpan limit, CancellationToken cancellation)
    {
        using var bounded = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        bounded.CancelAfter(limit);
        try
        {
            return await reader.ReadLineAsync(bounded.Token)
                ?? throw new InvalidOperationException($"{Describe()} ended before it had answered.");
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"{Describe()} did not answer within {limit.TotalSeconds:0} s.");
        }
    }

    private string Describe() =>
        $"{Path.GetFileName(_process.StartInfo.FileName)} {string.Join(' ', _process.StartInfo.ArgumentList)} (process {Id})";
}

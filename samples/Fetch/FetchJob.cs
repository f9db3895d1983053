using Baton;

namespace Fetch;

/// <summary>The main coroutine: sets everything up, fetches, and reports, also when it is interrupted.</summary>
internal static class FetchJob
{
    /// <returns>The exit code.</returns>
    public static async Coroutine<int> RunAsync(FetchOptions options)
    {
        var loop = EventLoop.Current;
        var threads = new ThreadLog();
        threads.Record();

        await using var server = options.Addresses is null ? await LocalServer.StartAsync() : null;
        threads.Record();
        var addresses = options.Addresses ?? [.. server!.Pages(options.PageCount)];
        var results = new PageResults(addresses.Count);
        var concurrency = Math.Min(options.Concurrency, addresses.Count);
        Console.WriteLine(
            $"Fetching {addresses.Count:N0} {(addresses.Count == 1 ? "page" : "pages")}{(server is null ? "" : $" from {server.Address}")}, " +
            $"{concurrency:N0} at a time, on one event loop ({loop.Driver.Name}).");

        using var client = CreateClient(concurrency, useProxy: server is null);
        var fetcher = new Fetcher(client, addresses, options.Timeout, results, threads);
        var display = ProgressDisplay.Create();
        var monitor = new LoopDelayMonitor(threads);
        var drawing = Coroutine.Start(display.RunAsync(results, threads), "progress");
        var monitoring = Coroutine.Start(monitor.RunAsync(), "loop delay");
        var started = loop.Time;
        try
        {
            await fetcher.RunAsync(concurrency);
        }
        finally
        {
            // Ctrl-C comes this way too, as a cancellation of this coroutine: what is done by then is reported.
            threads.Record();
            monitoring.Cancel();
            drawing.Cancel();
            display.Finish();
            var report = new Report(results, loop.Time - started, monitor.LargestNanoseconds, threads);
            if (server is null)
            {
                report.PrintPages();
            }
            else
            {
                report.PrintFailures();
            }

            report.PrintSummary();
        }

        return results.Failed == 0 && threads.ThreadIds.Count == 1 ? 0 : 1;
    }

    private static HttpClient CreateClient(int concurrency, bool useProxy)
    {
        // LoopHttp is all it takes: the client's connections are the loop's own, and nothing else about it changes.
        var handler = LoopHttp.CreateHandler();
        handler.MaxConnectionsPerServer = concurrency;
        handler.UseProxy = useProxy;

        // The time limit is the fetcher's, which also covers the body; the client's own ends with the headers and runs on a timer of the
        // pool.
        var client = LoopHttp.CreateClient(handler);
        client.Timeout = System.Threading.Timeout.InfiniteTimeSpan;
        return client;
    }
}

using Baton;

namespace Fetch;

/// <summary>
/// Fetches a list of pages with a number of workers, each a task of the loop that takes the next page when it is done with one.
/// </summary>
internal sealed class Fetcher
{
    private const int BufferSize = 16 * 1024;

    private readonly HttpClient _client;
    private readonly TimeSpan _timeout;
    private readonly PageResults _results;
    private readonly ThreadLog _threads;

    // A plain queue, without a lock: all workers share one thread, and none of them loses it between looking and taking.
    private readonly Queue<(int Index, PageAddress Address)> _queue;

    public Fetcher(HttpClient client, IReadOnlyList<PageAddress> addresses, TimeSpan timeout, PageResults results, ThreadLog threads)
    {
        _client = client;
        _timeout = timeout;
        _results = results;
        _threads = threads;
        _queue = new(addresses.Index());
    }

    /// <summary>Ends when all workers have; after Ctrl-C, which cancels the task that runs this, so are they.</summary>
    public Coroutine RunAsync(int concurrency)
    {
        var count = Math.Min(concurrency, _queue.Count);
        return TaskGroup.Run(async Coroutine (workers) =>
        {
            for (var number = 1; number <= count; number++)
            {
                _ = workers.CreateTask(WorkAsync(), $"worker {number}");
            }
        });
    }

    private async Coroutine WorkAsync()
    {
        var buffer = new byte[BufferSize];
        while (_queue.TryDequeue(out var next))
        {
            _results.Add(next.Index, await FetchAsync(next.Address, buffer));
            _threads.Record();
        }
    }

    private async Coroutine<PageResult> FetchAsync(PageAddress address, byte[] buffer)
    {
        if (address.Uri is null)
        {
            return new PageResult(address, 0, 0, 0, PageFailure.Malformed(address));
        }

        var loop = EventLoop.Current;
        var started = loop.Time;
        var status = 0;
        var bytes = 0L;
        PageFailure? failure = null;
        try
        {
            await LoopTimeout.Run(_timeout, async Coroutine () =>
            {
                // It ends when the time is over or the worker is cancelled; no token has to be passed along for that.
                using var response = await _client.GetAsync(address.Uri, HttpCompletionOption.ResponseHeadersRead);
                _threads.Record();
                status = (int)response.StatusCode;
                failure = response.IsSuccessStatusCode ? null : PageFailure.From(response);
                await using var body = await response.Content.ReadAsStreamAsync();
                while (await body.ReadAsync(buffer) is var read and > 0)
                {
                    _threads.Record();
                    bytes += read;
                }
            });
        }
        catch (TimeoutException)
        {
            failure = PageFailure.TimedOut(_timeout);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            // Whatever goes wrong with one page must not stop the others. A cancellation is not an error of the page: it means that the
            // worker must end.
            failure = PageFailure.From(exception);
        }

        _threads.Record();
        return new PageResult(address, status, bytes, loop.Time - started, failure);
    }
}

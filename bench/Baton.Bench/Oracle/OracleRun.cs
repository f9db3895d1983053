using System.Diagnostics;
using Baton.Oracle;

namespace Baton.Bench.Oracle;

/// <summary>One run through a range of seeds.</summary>
internal sealed class OracleRun(int first, int count, int limit)
{
    private static readonly long ProgressInterval = Stopwatch.Frequency / 2;

    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, int> _explained = [];
    private int _next;
    private int _done;
    private long _steps;
    private int _differing;
    private long _lastProgress;
    private string? _failure;

    /// <summary>A Python process, or null, with a word to the user, where there is none.</summary>
    public static AsyncioProcess? Start()
    {
        var asyncio = AsyncioProcess.TryStart();
        if (asyncio is null)
        {
            Console.Error.WriteLine(
                $"There is no Python to compare with. Install python3, or name one in {AsyncioProcess.PythonVariable}.");
        }

        return asyncio;
    }

    /// <returns>0 when nothing differs that no improvement explains, 1 when something does, 2 when there is no Python.</returns>
    public int Run(int jobs)
    {
        using (var asyncio = Start())
        {
            if (asyncio is null)
            {
                return 2;
            }

            Console.WriteLine($"Seeds {first} to {first + count - 1}, against Python {asyncio.Version}.");
        }

        var threads = Enumerable.Range(0, jobs).Select(_ => new Thread(Work)).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        if (!Console.IsErrorRedirected)
        {
            Console.Error.Write("\r\e[K");
        }

        if (_failure is not null)
        {
            Console.Error.WriteLine(_failure);
            return 2;
        }

        foreach (var (improvements, number) in _explained)
        {
            Console.WriteLine($"{number} differ as they should: {improvements}.");
        }

        Console.WriteLine($"{_done} scenarios with {_steps} steps: {_differing} differ without an explanation.");
        return _differing == 0 ? 0 : 1;
    }

    private void Work()
    {
        using var asyncio = AsyncioProcess.TryStart()!;
        var comparer = new ScenarioComparer(asyncio);
        while (Interlocked.Increment(ref _next) is var next && next <= count && Volatile.Read(ref _differing) < limit && _failure is null)
        {
            var seed = first + next - 1;
            try
            {
                var comparison = comparer.Compare(ScenarioGenerator.Generate(seed, asyncio.Operations));
                Note(comparison);
                if (!comparison.IsExplained)
                {
                    Print(seed, comparer.Shrink(comparison));
                }
            }
            catch (InvalidOperationException failure)
            {
                _failure = $"Seed {seed}: {failure}";
            }
        }
    }

    private void Note(Comparison comparison)
    {
        lock (_lock)
        {
            _done++;
            _steps += comparison.Scenario.Count;
            _differing += comparison.IsExplained ? 0 : 1;
            if (comparison.Improvements.Count > 0)
            {
                var names = string.Join(", ", comparison.Improvements);
                _explained[names] = _explained.GetValueOrDefault(names) + 1;
            }

            if (!Console.IsErrorRedirected && Stopwatch.GetTimestamp() - _lastProgress > ProgressInterval)
            {
                _lastProgress = Stopwatch.GetTimestamp();
                Console.Error.Write($"\r\e[K{_done} of {count} ({100L * _done / count} %), {_differing} differ");
            }
        }
    }

    private void Print(int seed, Comparison comparison)
    {
        lock (_lock)
        {
            Console.WriteLine($"\n# seed {seed}\n{comparison}");
        }
    }
}

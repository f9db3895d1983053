using Baton;
using Spectre.Console;

namespace Fetch;

/// <summary>
/// Shows how far the job is. Spectre.Console's own progress display refreshes itself from another thread; this one is drawn by a coroutine,
/// like everything else on the loop.
/// </summary>
internal abstract class ProgressDisplay
{
    /// <summary>The time between two drawings.</summary>
    protected abstract TimeSpan Interval { get; }

    /// <summary>A bar where somebody watches, else now and then a plain line: control codes have no business in a file or a pipe.</summary>
    public static ProgressDisplay Create() =>
        !Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Ansi ? new ProgressBar() : new ProgressLines();

    /// <summary>Draws again and again until it is cancelled.</summary>
    public async Coroutine RunAsync(PageResults results, ThreadLog threads)
    {
        var loop = EventLoop.Current;
        var started = loop.Time;
        while (true)
        {
            Draw(results, Durations.FromNanoseconds(loop.Time - started));
            await Coroutine.Sleep(Interval);
            threads.Record();
        }
    }

    /// <summary>Leaves the screen as the report needs it.</summary>
    public abstract void Finish();

    protected abstract void Draw(PageResults results, TimeSpan elapsed);

    protected static string Describe(PageResults results, TimeSpan elapsed) =>
        $"{results.Done:N0} of {results.Total:N0}, {results.Failed:N0} failed, {results.Done / Math.Max(elapsed.TotalSeconds, 0.001):N0} pages a second";
}

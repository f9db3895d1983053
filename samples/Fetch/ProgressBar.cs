using Spectre.Console;

namespace Fetch;

/// <summary>Progress for a terminal: one line that is drawn over itself.</summary>
internal sealed class ProgressBar : ProgressDisplay
{
    private const int MaximumWidth = 40;
    private const string EraseLine = "\r\e[K";

    protected override TimeSpan Interval => TimeSpan.FromMilliseconds(100);

    public override void Finish() => AnsiConsole.Write(new ControlCode(EraseLine));

    protected override void Draw(PageResults results, TimeSpan elapsed)
    {
        var text = $" {Describe(results, elapsed)}";

        // A line that is wrapped cannot be drawn over, so the bar gives way to the text on a narrow terminal.
        var columns = AnsiConsole.Profile.Width - 1;
        var width = Math.Clamp(columns - text.Length, 0, MaximumWidth);
        var filled = results.Total == 0 ? width : (int)((long)width * results.Done / results.Total);
        var line = AnsiConsole.Profile.Capabilities.Unicode ? '━' : '-';
        AnsiConsole.Write(new ControlCode(EraseLine));
        AnsiConsole.Markup($"[green]{new string(line, filled)}[/][grey]{new string(line, width - filled)}[/]{Markup.Escape(text[..Math.Min(text.Length, columns)])}");
    }
}

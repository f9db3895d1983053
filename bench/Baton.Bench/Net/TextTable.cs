namespace Baton.Bench.Net;

/// <summary>Columns of text, as wide as their widest cell, numbers to the right.</summary>
internal sealed class TextTable(params IEnumerable<string> labels)
{
    private readonly int _labels = labels.Count();
    private readonly List<string> _headings = [.. labels];
    private readonly List<string[]> _rows = [];

    public void AddColumns(IEnumerable<string> headings) => _headings.AddRange(headings);

    public void AddRow(string[] cells) => _rows.Add(cells);

    /// <summary>An empty line.</summary>
    public void AddGap() => _rows.Add([]);

    public void Write(TextWriter output)
    {
        var widths = _headings
            .Select((heading, column) => _rows.Where(row => row.Length > 0).Select(row => row[column].Length).Append(heading.Length).Max())
            .ToList();

        output.WriteLine();
        WriteRow(output, [.. _headings], widths);
        foreach (var row in _rows) WriteRow(output, row, widths);
    }

    private void WriteRow(TextWriter output, string[] cells, List<int> widths) =>
        output.WriteLine(string.Join("  ", cells.Select((cell, column) =>
            column < _labels ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))).TrimEnd());
}

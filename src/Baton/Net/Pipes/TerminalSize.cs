namespace Baton;

/// <summary>The size of a terminal's window, in characters.</summary>
/// <param name="Columns">The characters of a line, up to 65,535; 0 where nobody has said.</param>
/// <param name="Rows">The lines, up to 65,535; 0 where nobody has said.</param>
public readonly record struct TerminalSize(int Columns, int Rows);

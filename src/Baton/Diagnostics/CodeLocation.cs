namespace Baton;

/// <summary>A place in a program: a method, and where it is known, the line.</summary>
/// <param name="Method">
/// The method as its author knows it, such as <c>App.Downloader.Fetch</c>; of a lambda, the method that holds it and <c>lambda</c>.
/// </param>
/// <param name="File">The full path of the source file, as it was compiled; null without debugging symbols.</param>
/// <param name="Line">The line, from 1; 0 where it is not known.</param>
public readonly record struct CodeLocation(string Method, string? File, int Line)
{
    /// <summary>Such as <c>App.Downloader.Fetch, Downloader.cs:12</c>.</summary>
    public override string ToString() => File is null ? Method : $"{Method}, {Path.GetFileName(File)}:{Line}";
}

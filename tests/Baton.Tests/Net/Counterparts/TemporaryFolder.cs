namespace Baton.Tests.Net.Counterparts;

/// <summary>A folder for one test, gone with all that is in it at the end.</summary>
public sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("baton-").FullName;

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose()
    {
        try
        {
            Directory.Delete(Path, recursive: true);
        }
        catch (IOException)
        {
            // A server that has just ended may have left something behind at the last moment.
            Directory.Delete(Path, recursive: true);
        }
    }
}

using System.IO.Pipelines;

namespace Baton;

// Holds the assembly's place until the first real type arrives, and shows that pipes come with the framework.
internal static class Placeholder
{
    public static readonly Type Pipe = typeof(IDuplexPipe);
}

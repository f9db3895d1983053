using System.Reflection;

namespace Baton.Tests;

public class AssemblyTests
{
    [Fact]
    public void The_library_references_nothing_outside_the_framework_but_the_abstractions_of_logging()
    {
        var library = Assembly.Load("Baton");
        var framework = Path.GetDirectoryName(typeof(object).Assembly.Location)!;

        var foreign = library.GetReferencedAssemblies()
            .Select(name => name.Name!)
            .Where(name => !File.Exists(Path.Combine(framework, name + ".dll")));

        Assert.Equal(["Microsoft.Extensions.Logging.Abstractions"], foreign);
    }
}

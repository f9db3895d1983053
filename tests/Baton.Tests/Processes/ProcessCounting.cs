namespace Baton.Tests.Processes;

/// <summary>Tests that count children or descriptors of the whole process: nothing else may run meanwhile.</summary>
[CollectionDefinition(Name, DisableParallelization = true)]
public sealed class ProcessCounting
{
    public const string Name = "counting children and descriptors";
}

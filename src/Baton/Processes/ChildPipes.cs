namespace Baton;

/// <summary>This process's ends of a child's standard streams; null where they are no pipes.</summary>
internal readonly record struct ChildPipes(Connection? Input, Connection? Output, Connection? Error);

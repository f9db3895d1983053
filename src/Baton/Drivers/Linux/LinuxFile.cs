namespace Baton.Drivers;

/// <summary>What is known of an <see cref="LinuxSocket"/> that is no socket.</summary>
internal sealed record LinuxFile(IoSocketKind Kind, FileAccess Access, BlockingRestoration? Restoration);

namespace Baton.Drivers;

/// <summary>What is known of an <see cref="EpollSocket"/> that is no socket.</summary>
internal sealed record EpollFile(IoSocketKind Kind, FileAccess Access, BlockingRestoration? Restoration);

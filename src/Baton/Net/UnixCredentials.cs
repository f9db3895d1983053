namespace Baton;

/// <summary>Who is at the other end of a local (Unix) socket, as the system knows it: as it was when that end was connected.</summary>
/// <param name="ProcessId">The process. It may have ended since, and its number may be another's.</param>
/// <param name="UserId">The user in whose name it acted.</param>
/// <param name="GroupId">The group.</param>
public readonly record struct UnixCredentials(int ProcessId, uint UserId, uint GroupId);

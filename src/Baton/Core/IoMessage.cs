namespace Baton;

/// <summary>What a receive of bytes and descriptors found.</summary>
/// <param name="Length">The bytes received; 0 of a stream is the end.</param>
/// <param name="DescriptorCount">The descriptors received.</param>
/// <param name="IsTruncated">Whether a datagram was longer than the buffer.</param>
/// <param name="AreDescriptorsLost">Whether there were more descriptors than there was room for, which the system has closed.</param>
public readonly record struct IoMessage(int Length, int DescriptorCount, bool IsTruncated, bool AreDescriptorsLost);

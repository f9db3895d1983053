using System.Runtime.InteropServices;

namespace Baton;

/// <summary>
/// A descriptor that a <see cref="ChildProcess"/> gets beside its standard streams. Corresponds to <c>pass_fds</c> of Python's
/// <c>subprocess</c>.
/// </summary>
/// <param name="Handle">
/// An open file, pipe, socket or terminal, which stays the caller's and may be closed once the child has been started.
/// </param>
/// <param name="Number">The descriptor's number in the child, 3 or more; null for the number that it has here.</param>
public readonly record struct PassedDescriptor(SafeHandle Handle, int? Number = null);

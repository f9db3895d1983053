namespace Baton.Tests.Conformance;

/// <summary>
/// Marks a test that pins down what a test of CPython's pins down for asyncio: <c>[CPython("test_locks.LockTests.test_acquire")]</c>. The
/// lists in the folder <c>cpython</c> have the names; <c>docs/conformance.md</c> is made from both.
/// </summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
public sealed class CPythonAttribute(string test) : Attribute
{
    /// <summary>The test, as <c>file.Class.test</c>.</summary>
    public string Test { get; } = test;

    /// <summary>
    /// Where Baton does on purpose what asyncio does not: what it does instead, which the marked test pins down. A phrase, with its full
    /// stop.
    /// </summary>
    public string? Improvement { get; init; }
}

using Baton.Oracle;

namespace Baton.Tests.Oracle;

/// <summary>A Python process for the tests of one class.</summary>
public sealed class AsyncioFixture : IDisposable
{
    private readonly AsyncioProcess? _process = AsyncioProcess.TryStart();

    /// <summary>The process; where there is no Python, the test that asks is skipped.</summary>
    public AsyncioProcess Process
    {
        get
        {
            Assert.SkipWhen(_process is null, "There is no Python since 3.11 to compare with.");
            return _process!;
        }
    }

    public void Dispose() => _process?.Dispose();
}

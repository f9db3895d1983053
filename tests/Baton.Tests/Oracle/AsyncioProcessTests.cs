using Baton.Oracle;

namespace Baton.Tests.Oracle;

public class AsyncioProcessTests
{
    [Fact]
    public void A_Python_that_cannot_be_run_is_named()
    {
        var failure = Assert.Throws<InvalidOperationException>(() => AsyncioProcess.TryStart("no-such-python"));
        Assert.Contains("no-such-python", failure.Message);
        Assert.Contains(AsyncioProcess.PythonVariable, failure.Message);
    }

    [Fact]
    public void A_program_that_is_no_Python_is_told_from_its_end()
    {
        var failure = Assert.Throws<InvalidOperationException>(() => AsyncioProcess.TryStart("false"));
        Assert.Contains("ended with status 1", failure.Message);
    }

    [Fact]
    public void What_ends_the_interpreter_is_shown()
    {
        using var asyncio = AsyncioProcess.TryStart();
        Assert.SkipWhen(asyncio is null, "There is no Python since 3.11.");
        asyncio!.Send(Scenario.Parse("""[["nonsense"]]"""), []);
        var failure = Assert.Throws<InvalidOperationException>(asyncio.Receive);
        Assert.Contains("nonsense", failure.Message);
    }

    [Fact]
    public void What_Batons_interpreter_does_not_know_fails() => LoopTest.OnThread(() =>
    {
        var failure = Assert.Throws<InvalidOperationException>(() => BatonInterpreter.Run(Scenario.Parse("""[["nonsense"]]""")));
        Assert.Contains("nonsense", failure.Message);
        Assert.IsType<NotSupportedException>(failure.InnerException);
    });
}

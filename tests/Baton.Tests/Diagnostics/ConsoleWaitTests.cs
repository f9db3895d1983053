using Baton.Tests.Docs;

namespace Baton.Tests.Diagnostics;

/// <summary>Debug mode and the console, which the whole process shares.</summary>
[Collection(nameof(ConsoleCollection))]
public class ConsoleWaitTests
{
    [Fact]
    public void Waiting_for_another_thread_that_writes_to_the_console_is_not_reported()
    {
        using var isEntered = new ManualResetEvent(false);
        using var release = new ManualResetEvent(false);
        using var inner = new GatedWriter(isEntered, release);
        WithOutput(TextWriter.Synchronized(inner), () => LoopTest.OnInDebug(test =>
        {
            using var thread = LoopTest.StartThread(() => Console.WriteLine("gate"));
            LoopTest.Await(isEntered);
            using var releasing = LoopTest.StartThread(() => release.Set());
            test.Loop.CallSoon(() => Console.WriteLine("ours"));
            test.RunIterations(1);
        }));
    }

    [Fact]
    public void Warnings_go_to_the_standard_error_stream_where_nobody_takes_them()
    {
        using var error = new StringWriter();
        var before = Console.Error;
        Console.SetError(error);
        try
        {
            LoopTest.On(
                options =>
                {
                    options.Debug = true;
                    options.WarningHandler = null;
                    options.Name = "bare";
                },
                test =>
                {
                    test.Loop.CallSoon(() => test.Clock.Advance(TimeSpan.FromSeconds(1)));
                    test.RunIterations(1);
                    test.Loop.WarningHandler = static (_, _) => throw new IOException("broken handler");
                    test.Loop.CallSoon(() => test.Clock.Advance(TimeSpan.FromSeconds(1)));
                    test.RunIterations(1);
                });
        }
        finally
        {
            Console.SetError(before);
        }

        var text = error.ToString();
        Assert.StartsWith("[bare] warning: Executing callback ", text, StringComparison.Ordinal);
        Assert.Contains(
            "[bare] Unhandled error in warning handler, which was to be told: Executing callback ", text, StringComparison.Ordinal);
        Assert.Contains("broken handler", text, StringComparison.Ordinal);
    }

    private static void WithOutput(TextWriter writer, Action action)
    {
        var before = Console.Out;
        Console.SetOut(writer);
        try
        {
            action();
        }
        finally
        {
            Console.SetOut(before);
        }
    }

    private sealed class GatedWriter(ManualResetEvent isEntered, ManualResetEvent release) : StringWriter
    {
        public override void WriteLine(string? value)
        {
            if (value == "gate")
            {
                isEntered.Set();
                LoopTest.Await(release);
            }
        }
    }
}

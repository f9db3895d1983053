using System.Globalization;
using System.Runtime.CompilerServices;

namespace Baton.Tests.Conformance;

/// <summary>What asyncio's tests of coroutines, and of contexts in them, pin down and our other tests do not.</summary>
public class Pep492ConformanceTests
{
    public static TheoryData<string, Func<(Func<ValueTask<Releaser>> Acquire, Func<bool> IsLocked)>> Primitives => new()
    {
        { nameof(AsyncLock), () => new AsyncLock() is var mutex ? (mutex.AcquireAsync, () => mutex.IsLocked) : default },
        { nameof(AsyncCondition), () => new AsyncCondition() is var condition ? (condition.AcquireAsync, () => condition.IsLocked) : default },
        { nameof(AsyncSemaphore), () => new AsyncSemaphore() is var semaphore ? (semaphore.AcquireAsync, () => semaphore.IsLocked) : default },
        { "AsyncSemaphore with a maximum", () => new AsyncSemaphore(1, 1) is var semaphore ? (semaphore.AcquireAsync, () => semaphore.IsLocked) : default },
    };

    [Theory]
    [MemberData(nameof(Primitives))]
    [CPython("test_pep492.LockTests.test_context_manager_async_with")]
    public void A_using_block_holds_what_it_acquired_until_it_is_left(
        string name, Func<(Func<ValueTask<Releaser>> Acquire, Func<bool> IsLocked)> make) => LoopTest.Run(async () =>
    {
        var (acquire, isLocked) = make();
        await Coroutine.Sleep(TimeSpan.FromSeconds(0.01));
        Assert.False(isLocked(), name);
        using (await acquire())
        {
            Assert.True(isLocked(), name);
            await Coroutine.Sleep(TimeSpan.FromSeconds(0.01));
            Assert.True(isLocked(), name);
        }

        Assert.False(isLocked(), name);
        await Assert.ThrowsAsync<IOException>(async () =>
        {
            using (await acquire())
            {
                throw new IOException();
            }
        });
        Assert.False(isLocked(), name);
    });

    [Fact]
    [CPython("test_pep492.CoroutineTests.test_async_def_coroutines")]
    public void A_coroutine_returns_what_the_one_that_it_awaits_returned_in_debug_mode_too() => LoopTest.On(
        options => options.Debug = false,
        test =>
        {
            Assert.Equal("spam", test.Loop.RunUntilComplete(Outer()));
            test.Loop.IsDebug = true;
            Assert.Equal("spam", test.Loop.RunUntilComplete(Outer()));

            static async Coroutine<string> Outer() => await Inner();

#pragma warning disable CS1998
            static async Coroutine<string> Inner() => "spam";
#pragma warning restore CS1998
        });

    [Fact]
    [CPython("test_pep492.CoroutineTests.test_debug_mode_manages_coroutine_origin_tracking")]
    public void Where_coroutines_are_made_is_remembered_only_while_a_loop_in_debug_mode_runs() => LoopTest.On(
        options => options.Debug = false,
        test =>
        {
            var made = new List<Coroutine>();
            test.Loop.CallSoon(() => made.Add(Make()));
            test.RunIterations(1);
            test.Loop.IsDebug = true;
            made.Add(Make());
            test.Loop.CallSoon(() => made.Add(MakeInDebug()));
            test.RunIterations(1);
            made.Add(Make());
            test.Loop.Dispose();
            Assert.Equal(4, made.Count);
            var warning = test.TakeWarning();
            Assert.Equal(LoopWarningKind.NeverAwaited, warning.Kind);
            Assert.Equal($"{typeof(Pep492ConformanceTests)}.{nameof(MakeInDebug)}", warning.SourceTraceback!.Innermost!.Value.Method);
        });

    [Fact]
    [CPython("test_context.DecimalContextTest.test_asyncio_task_decimal_context")]
    public void Settings_of_arithmetic_that_flow_with_the_context_stay_in_their_task() => LoopTest.Run(async () =>
    {
        // What a decimal context is to Python, the culture is to .NET: it says how many digits a number shows.
        var ((first, second), (third, fourth)) = await Coroutine.Gather(Fractions(0.1, 3), Fractions(0.2, 6));
        Assert.Equal(("0.333", "0.111"), (first, second));
        Assert.Equal(("0.333333", "0.111111"), (third, fourth));

        static async Coroutine<(string, string)> Fractions(double seconds, int digits)
        {
            var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            culture.NumberFormat.NumberDecimalDigits = digits;
            CultureInfo.CurrentCulture = culture;
            var third = (1m / 3).ToString("N");
            await Coroutine.Sleep(TimeSpan.FromSeconds(seconds));
            return (third, (1m / 9).ToString("N"));
        }
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Coroutine Make() => Work();

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Coroutine MakeInDebug() => Work();

    private static async Coroutine Work() => await Coroutine.Yield();
}

using FsCheck;
using FsCheck.Fluent;

namespace Baton.Tests.Synchronization;

/// <summary>One step of a random script.</summary>
/// <param name="Kind">What to do.</param>
/// <param name="Amount">How much of it.</param>
/// <param name="Index">To which of those that there are, modulo their number.</param>
public sealed record Step<TKind>(TKind Kind, int Amount, int Index);

/// <summary>Random scripts for property tests.</summary>
internal static class Scripts
{
    /// <summary>Runs a coroutine for each of many random scripts of steps of the given kinds and weights.</summary>
    internal static void Check<TKind>(Func<LoopTest, Step<TKind>[], Coroutine> run, params (int Weight, TKind Kind)[] kinds)
    {
        var step = from kind in Gen.Frequency(kinds.Select(kind => (kind.Weight, Gen.Constant(kind.Kind))).ToArray())
                   from amount in Gen.Choose(0, 5)
                   from index in Gen.Choose(0, 1000)
                   select new Step<TKind>(kind, amount, index);
        Prop.ForAll(step.ArrayOf().ToArbitrary(), script => LoopTest.Run(test => run(test, script)))
            .Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(150));
    }
}

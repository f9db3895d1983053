using FsCheck;
using FsCheck.Fluent;

namespace Baton.Tests.Tasks;

/// <summary>
/// Random trees of waits, groups, scopes and time-outs, cancelled at random times from outside, against rules that must hold for each of
/// them.
/// </summary>
public partial class StructuredPropertyTests
{
    private const int MaximumTests = 400;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    [Fact]
    public void Structured_code_keeps_its_rules() =>
        Prop.ForAll(Programs(), static program => LoopTest.On(test => new Execution(test, program).Run())).Check(
            Config.QuickThrowOnFailure.WithMaxTest(TestCount()).WithEndSize(60));

    /// <summary>More of them by hand: <c>BATON_PROPERTY_TESTS=100000</c>.</summary>
    private static int TestCount() =>
        int.TryParse(Environment.GetEnvironmentVariable("BATON_PROPERTY_TESTS"), out var count) ? count : MaximumTests;

    private static Arbitrary<Script> Programs()
    {
        var attack =
            from time in Gen.Choose(0, 30)
            from kind in Gen.Choose(0, 3)
            from target in Gen.Choose(0, 40)
            select new Attack(time, kind, target);
        var program = Gen.Sized(size =>
            from root in Trees(Math.Min(size, 60))
            from attacks in attack.ArrayOf()
            select new Script(root, attacks.Take(6).ToArray()));
        return Arb.From(program, Shrink);
    }

    private static Gen<Node> Trees(int size)
    {
        var time = Gen.Choose(0, 12);
        var leaf = Gen.OneOf(
            from t in time select (Node)new Sleep(t),
            from t in time select (Node)new Fail(t),
            from t in time from u in time select (Node)new Swallow(t, u),
            from t in time select (Node)new Foreign(t),
            from t in time from accepts in Gen.Elements(true, false) select (Node)new Stubborn(t, accepts),
            Gen.Constant((Node)new Sleep(0)));
        if (size < 2)
        {
            return leaf;
        }

        // Generators are made when they are drawn from, or there would be very many.
        var flag = Gen.Elements(true, false);
        var few = Gen.Choose(1, 4);
        return Gen.Frequency(
            (2, leaf),
            (3, from count in few from list in Trees(size / (count + 1)).ArrayOf(count) select (Node)new Sequence(list)),
            (1, from count in few from list in Trees(size / (count + 1)).ArrayOf(count) select (Node)new Parallel(list)),
            (4, from count in few
                from list in Trees(size / (count + 1)).ArrayOf(count)
                from body in Trees(size / 4)
                from cancel in Gen.Choose(-15, 12)
                from supervise in flag
                select (Node)new Group(list, body, cancel, supervise)),
            (3, from deadline in Gen.Choose(-5, 12)
                from shield in Gen.Choose(0, 3)
                from body in Trees(size - 1)
                select (Node)new Scope(body, deadline, shield == 0)),
            (3, from deadline in time from body in Trees(size - 1) select (Node)new TimeOut(body, deadline)));
    }

    private static IEnumerable<Script> Shrink(Script program)
    {
        for (var i = 0; i < program.Attacks.Length; i++)
        {
            yield return program with { Attacks = [.. program.Attacks[..i], .. program.Attacks[(i + 1)..]] };
        }

        foreach (var root in Smaller(program.Root))
        {
            yield return program with { Root = root };
        }
    }

    private static IEnumerable<Node> Smaller(Node node)
    {
        foreach (var child in node.Children())
        {
            yield return child;
        }

        for (var i = 0; i < node.Children().Length; i++)
        {
            foreach (var smaller in Smaller(node.Children()[i]))
            {
                yield return node.With([.. node.Children()[..i], smaller, .. node.Children()[(i + 1)..]]);
            }

            if (node is Sequence or Parallel && node.Children().Length > 1)
            {
                yield return node.With([.. node.Children()[..i], .. node.Children()[(i + 1)..]]);
            }
        }

        if (node is Group { Tasks.Length: > 0 } group)
        {
            yield return group with { Tasks = group.Tasks[1..] };
        }
    }

    private sealed record Script(Node Root, Attack[] Attacks)
    {
        public override string ToString() => $"{Root} attacked by [{string.Join("; ", Attacks.Select(attack => attack.ToString()))}]";
    }

    /// <summary>At a time, cancels: 0 the main task, 1 some task, 2 some scope, 3 some group.</summary>
    private sealed record Attack(int Time, int Kind, int Target);

    private abstract record Node
    {
        public virtual Node[] Children() => [];

        public virtual Node With(Node[] children) => this;
    }

    private sealed record Sleep(int Time) : Node;

    private sealed record Fail(int Time) : Node;

    /// <summary>Sleeps, and where that is cancelled, sleeps for another time.</summary>
    private sealed record Swallow(int Time, int Then) : Node;

    /// <summary>A future that a timer completes, awaited by plain code without a context.</summary>
    private sealed record Foreign(int Time) : Node;

    /// <summary>An operation that comes to its result whether or not it accepts a cancellation before.</summary>
    private sealed record Stubborn(int Time, bool Accepts) : Node;

    private sealed record Sequence(Node[] Steps) : Node
    {
        public override Node[] Children() => Steps;

        public override Node With(Node[] children) => new Sequence(children);

        public override string ToString() => $"({string.Join(", ", Steps.AsEnumerable())})";
    }

    private sealed record Parallel(Node[] Branches) : Node
    {
        public override Node[] Children() => Branches;

        public override Node With(Node[] children) => new Parallel(children);

        public override string ToString() => $"Parallel({string.Join(" | ", Branches.AsEnumerable())})";
    }

    /// <summary>A group that is cancelled after a time, unless that is negative.</summary>
    private sealed record Group(Node[] Tasks, Node Body, int Cancel, bool Supervise) : Node
    {
        public override Node[] Children() => [Body, .. Tasks];

        public override Node With(Node[] children) => this with { Body = children[0], Tasks = children[1..] };

        public override string ToString() =>
            $"Group(cancel {Cancel}, supervise {Supervise}: {Body} with {string.Join(" & ", Tasks.AsEnumerable())})";
    }

    /// <summary>A scope; without a deadline where that is negative.</summary>
    private sealed record Scope(Node Body, int Deadline, bool Shield) : Node
    {
        public override Node[] Children() => [Body];

        public override Node With(Node[] children) => this with { Body = children[0] };
    }

    private sealed record TimeOut(Node Body, int Deadline) : Node
    {
        public override Node[] Children() => [Body];

        public override Node With(Node[] children) => this with { Body = children[0] };
    }

    private sealed class InjectedException(int number) : Exception($"injected {number}")
    {
        public int Number => number;
    }
}

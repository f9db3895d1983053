using FsCheck;
using FsCheck.Fluent;

namespace Baton.Tests.Tasks;

/// <summary>Random trees of waits, groups, scopes and time-outs, cancelled at random times from outside, against rules that must hold for each of them.</summary>
public class StructuredPropertyTests
{
    private const int MaximumTests = 400;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(10);

    [Fact]
    public void Structured_code_keeps_its_rules() =>
        Prop.ForAll(Programs(), static program => LoopTest.On(test => new Execution(test, program).Run())).Check(
            Config.QuickThrowOnFailure.WithMaxTest(TestCount()).WithEndSize(60));

    /// <summary>More of them by hand: <c>BATON_PROPERTY_TESTS=100000</c>.</summary>
    private static int TestCount() => int.TryParse(Environment.GetEnvironmentVariable("BATON_PROPERTY_TESTS"), out var count) ? count : MaximumTests;

    private static Arbitrary<Script> Programs()
    {
        var attack = from time in Gen.Choose(0, 30) from kind in Gen.Choose(0, 3) from target in Gen.Choose(0, 40) select new Attack(time, kind, target);
        var program = Gen.Sized(size => from root in Trees(Math.Min(size, 60)) from attacks in attack.ArrayOf() select new Script(root, attacks.Take(6).ToArray()));
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
            (4, from count in few from list in Trees(size / (count + 1)).ArrayOf(count) from body in Trees(size / 4) from cancel in Gen.Choose(-15, 12)
                from supervise in flag select (Node)new Group(list, body, cancel, supervise)),
            (3, from deadline in Gen.Choose(-5, 12) from shield in Gen.Choose(0, 3) from body in Trees(size - 1)
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

        public override string ToString() => $"Group(cancel {Cancel}, supervise {Supervise}: {Body} with {string.Join(" & ", Tasks.AsEnumerable())})";
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

    private sealed class Execution(LoopTest test, Script program)
    {
        private readonly List<LoopTask> _tasks = [];
        private readonly List<CancelScope> _scopes = [];
        private readonly List<TaskGroup> _groups = [];
        private readonly Dictionary<LoopTask, int> _requests = [];
        private readonly Dictionary<CancelScope, (CancelScope? Parent, LoopTask Task)> _entries = [];
        private readonly HashSet<int> _seen = [];
        private readonly List<string> _broken = [];
        private int _injected;
        private int _inScopes;

        public void Run()
        {
            test.Driver.Waiting = static () => throw new DeadlockException("Something waits for ever.");
            var main = test.Loop.CreateTask(Visit(program.Root), "main");
            _tasks.Add(main);
            foreach (var attack in program.Attacks)
            {
                test.Loop.CallLater(attack.Time * Tick, () => Strike(attack));
            }

            test.Loop.RunUntilComplete(Wait(main));
            if (main.IsFailed)
            {
                Collect(main.GetException());
            }

            Require(_inScopes == 0, "a scope was not left");
            Require(main.CancelRequests == Requests(main), $"the main task counts {main.CancelRequests} requests, and there were {Requests(main)}");
            Require(
                Requests(main) == 0 || main.IsCancelled || main.IsFailed || Nodes(program.Root).Any(static node => node is Swallow),
                "a request to the main task was lost");
            foreach (var task in _tasks.Skip(1))
            {
                Require(task.IsDone, $"{task} has not ended");
                var extra = task.CancelRequests - Requests(task);
                Require(extra is 0 or 1, $"{task} counts {extra} requests that nobody but its group can have made");
            }

            for (var i = 0; i < _injected; i++)
            {
                Require(_seen.Contains(i), $"failure {i} was lost");
            }

            Assert.True(_broken.Count == 0, string.Join("; ", _broken));
        }

        private static IEnumerable<Node> Nodes(Node node) => node.Children().SelectMany(Nodes).Prepend(node);

        /// <summary>
        /// Whether nothing in the code can outlive the cancellation of a scope around it. One that is thrown once, and that came while no branch of parallel code
        /// waited for anything of Baton's, is thrown in one of them.
        /// </summary>
        private static bool EndsAtOnce(Node node, bool level) =>
            Nodes(node).All(inner => inner is not (Scope { Shield: true } or Stubborn) && (level || inner is not (Swallow or Parallel)));

        /// <summary>Whether the code of the task itself, without the tasks of its groups, lets every cancellation through.</summary>
        private static bool MustNotice(Node node) =>
            node is not (Scope { Shield: true } or Stubborn or Swallow or Parallel) && (node is Group group ? MustNotice(group.Body) : node.Children().All(MustNotice));

        private async Coroutine Wait(LoopTask task)
        {
            var ended = test.Loop.CreateFuture();
            task.AddDoneCallback(_ => ended.SetResult());
            await ended;

            // The attacks that are left find nothing.
            await Coroutine.Sleep(40 * Tick);
        }

        private void Require(bool condition, string message)
        {
            if (!condition)
            {
                _broken.Add(message);
            }
        }

        private int Requests(LoopTask task) => _requests.GetValueOrDefault(task);

        private void Strike(Attack attack)
        {
            switch (attack.Kind)
            {
                case 0:
                    Request(_tasks[0]);
                    break;
                case 1:
                    Request(_tasks[attack.Target % _tasks.Count]);
                    break;
                case 2 when _scopes.Count > 0:
                    _scopes[attack.Target % _scopes.Count].Cancel();
                    break;
                case 3 when _groups.Count > 0:
                    _groups[attack.Target % _groups.Count].Cancel();
                    break;
                default:
                    break;
            }
        }

        private void Request(LoopTask task)
        {
            if (task.Cancel())
            {
                _requests[task] = Requests(task) + 1;
            }
        }

        private async Coroutine Visit(Node node)
        {
            var scope = CancelScope.Current;
            var task = LoopTask.Current;
            try
            {
                switch (node)
                {
                    case Sleep sleep:
                        await SleepChecked(sleep.Time);
                        break;
                    case Fail fail:
                        await SleepChecked(fail.Time);
                        throw new InjectedException(_injected++);
                    case Swallow swallow:
                        await VisitSwallow(swallow);
                        break;
                    case Foreign foreign:
                        await VisitForeign(foreign);
                        break;
                    case Stubborn stubborn:
                        await VisitStubborn(stubborn);
                        break;
                    case Sequence sequence:
                        foreach (var step in sequence.Steps)
                        {
                            await Visit(step);
                        }

                        break;
                    case Parallel parallel:
                        await VisitParallel(parallel);
                        break;
                    case Group group:
                        await VisitGroup(group);
                        break;
                    case Scope inner:
                        await VisitScope(inner);
                        break;
                    case TimeOut timeOut:
                        await VisitTimeOut(timeOut);
                        break;
                    default:
                        throw new InvalidOperationException($"What is {node}?");
                }
            }
            catch (OperationCanceledException)
            {
                Require(!IsShielded(), "a cancellation got out that came from beyond a shield");
                throw;
            }
            finally
            {
                Require(ReferenceEquals(scope, CancelScope.Current) && ReferenceEquals(task, LoopTask.Current), "code came back to another scope or task");
            }
        }

        private async Coroutine SleepChecked(int time)
        {
            var start = test.Elapsed;
            var mustThrow = IsLevelCancelled();
            try
            {
                await Coroutine.Sleep(time * Tick);
                Require(test.Elapsed - start == time * Tick, "a sleep did not take its time");
                Require(!mustThrow, "a sleep ended well in a scope that had been cancelled before");
            }
            catch (CancelledException)
            {
                Require(test.Elapsed - start <= time * Tick, "a sleep was cancelled late");
                Require(!IsShielded(), "a sleep was cancelled from beyond a shield");
                throw;
            }
        }

        private async Coroutine VisitSwallow(Swallow swallow)
        {
            try
            {
                await SleepChecked(swallow.Time);
            }
            catch (CancelledException)
            {
                await SleepChecked(swallow.Then);
            }
        }

        private async Coroutine VisitForeign(Foreign foreign)
        {
            var future = test.Loop.CreateFuture();
            var timer = test.Loop.CallLater(foreign.Time * Tick, () => future.TrySetResult());
            try
            {
                await Plain(future);
            }
            finally
            {
                timer.Cancel();
            }

            static async Task Plain(Future future)
            {
                await Task.Yield();
                await future;
            }
        }

        private async Coroutine VisitStubborn(Stubborn stubborn)
        {
            var start = test.Elapsed;
            var operation = new TestOperation(test.Loop) { OnCancel = (_, _) => stubborn.Accepts };
            test.Loop.CallLater(stubborn.Time * Tick, () => operation.Succeed(7));
            Require(await operation.Start() == 7 && test.Elapsed - start == stubborn.Time * Tick, "an operation did not come to its result");
        }

        private async Coroutine VisitParallel(Parallel parallel)
        {
            var branches = parallel.Branches.Select(Branch).ToArray();
            try
            {
                await Task.WhenAll(branches);
            }
            finally
            {
                // Only the first failure is thrown.
                foreach (var branch in branches)
                {
                    Collect(branch.Exception);
                }
            }

            async Task Branch(Node node) => await Visit(node);
        }

        private async Coroutine VisitGroup(Group node)
        {
            var outside = CancelScope.Current;
            var around = outside;
            while (around is { IsLevelTriggered: false, Shield: false })
            {
                around = _entries[around].Parent;
            }

            var start = test.Elapsed;
            TaskGroup group = null!;
            TimerHandle timer = default;
            try
            {
                await TaskGroup.Run(
                    async Coroutine (running) =>
                    {
                        group = running;
                        _groups.Add(group);
                        _entries.Add(CancelScope.Current!, (outside, LoopTask.Current!));
                        if (node.Cancel >= 0)
                        {
                            timer = test.Loop.CallLater(node.Cancel * Tick, () => group.Cancel());
                        }

                        foreach (var task in node.Tasks)
                        {
                            if (!group.IsCancelling)
                            {
                                _tasks.Add(group.CreateTask(InTask(task, around), eager: _tasks.Count % 3 == 0));
                            }
                        }

                        await Visit(node.Body);
                    },
                    new TaskGroupOptions { Supervise = node.Supervise, ReportStuckAfter = Timeout.InfiniteTimeSpan });
            }
            catch (AggregateException exception)
            {
                Collect(exception); // and so it is dealt with
            }
            finally
            {
                timer.Cancel();
                Require(group.Count == 0 && !group.IsCancelling, "a group ended before its tasks");
                Require(
                    node.Cancel < 0 || !EndsAtOnce(node, level: false) || test.Elapsed - start <= node.Cancel * Tick,
                    "a group outlived its cancellation");
            }
        }

        private async Coroutine InTask(Node node, CancelScope? around)
        {
            Require(ReferenceEquals(around, CancelScope.Current), "a task of a group began in another scope");
            await Visit(node);
        }

        private async Coroutine VisitScope(Scope node)
        {
            var start = test.Elapsed;
            var scope = new CancelScope(node.Deadline < 0 ? null : node.Deadline * Tick, node.Shield, $"scope {_scopes.Count}");
            _scopes.Add(scope);
            _entries.Add(scope, (CancelScope.Current, LoopTask.Current!));
            scope.Enter();
            _inScopes++;
            try
            {
                await Visit(node.Body);
                Leave(null);
            }
            catch (Exception exception) when (Leave(exception))
            {
            }

            bool Leave(Exception? exception)
            {
                _inScopes--;
                var caught = scope.Exit(exception);
                Require(
                    node.Deadline < 0 || !EndsAtOnce(node.Body, level: true) || test.Elapsed - start <= node.Deadline * Tick,
                    "a scope outlived its deadline");
                Require(!caught || (scope.CancelCalled && exception is OperationCanceledException), "a scope caught what it must not");
                return caught;
            }
        }

        private async Coroutine VisitTimeOut(TimeOut node)
        {
            var outside = CancelScope.Current;
            var start = test.Elapsed;
            LoopTimeout timeOut = null!;
            try
            {
                await LoopTimeout.Run(node.Deadline * Tick, async Coroutine (running) =>
                {
                    timeOut = running;
                    _entries.Add(CancelScope.Current!, (outside, LoopTask.Current!));
                    await Visit(node.Body);
                });
                Require(
                    !timeOut.IsExpired || test.Elapsed - start <= node.Deadline * Tick || !MustNotice(node.Body) || Nodes(node.Body).Any(static inner => inner is Fail),
                    "a time-out that had expired was not thrown");
            }
            catch (TimeoutException exception)
            {
                Require(timeOut.IsExpired && exception.InnerException is OperationCanceledException, "a time-out was thrown that had not expired");
            }
            finally
            {
                Require(!EndsAtOnce(node.Body, level: false) || test.Elapsed - start <= node.Deadline * Tick, "code outlived its time-out");
            }
        }

        private bool IsLevelCancelled()
        {
            for (var scope = CancelScope.Current; scope is not null; scope = _entries[scope].Parent)
            {
                if (scope is { IsLevelTriggered: true, CancelCalled: true })
                {
                    return true;
                }

                if (scope.Shield)
                {
                    return false;
                }
            }

            return false;
        }

        /// <summary>Whether a shield of this task's stands around the code, and nothing up to it was cancelled.</summary>
        private bool IsShielded()
        {
            for (var scope = CancelScope.Current; scope is not null && ReferenceEquals(_entries[scope].Task, LoopTask.Current); scope = _entries[scope].Parent)
            {
                if (scope.CancelCalled)
                {
                    return false;
                }

                if (scope.Shield)
                {
                    return true;
                }
            }

            return false;
        }

        private void Collect(Exception? exception)
        {
            switch (exception)
            {
                case InjectedException injected:
                    _seen.Add(injected.Number);
                    break;
                case AggregateException aggregate:
                    foreach (var inner in aggregate.InnerExceptions)
                    {
                        Collect(inner);
                    }

                    break;
                case null or OperationCanceledException:
                    break;
                default:
                    Require(false, $"unexpected {exception}");
                    break;
            }
        }
    }
}

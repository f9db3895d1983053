namespace Baton.Tests.Tasks;

public partial class StructuredPropertyTests
{
    /// <summary>Runs a script, and collects the rules that it finds broken.</summary>
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
            Require(
                main.CancelRequests == Requests(main),
                $"the main task counts {main.CancelRequests} requests, and there were {Requests(main)}");
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
        /// Whether nothing in the code can outlive the cancellation of a scope around it. One that is thrown once, and that came while no
        /// branch of parallel code waited for anything of Baton's, is thrown in one of them.
        /// </summary>
        private static bool EndsAtOnce(Node node, bool level) =>
            Nodes(node).All(inner => inner is not (Scope { Shield: true } or Stubborn) && (level || inner is not (Swallow or Parallel)));

        /// <summary>
        /// Whether the code of the task itself, without the tasks of its groups, lets every cancellation through; one that comes while it
        /// waits for what refuses, at a wait that comes behind.
        /// </summary>
        private static bool MustNotice(Node node) => LetsThrough(node, node is Sequence { Steps: [.., Sleep] });

        private static bool LetsThrough(Node node, bool waitsBehind) => node switch
        {
            Scope { Shield: true } or Stubborn => waitsBehind,
            Swallow or Parallel => false,
            Group group => LetsThrough(group.Body, waitsBehind),
            _ => node.Children().All(child => LetsThrough(child, waitsBehind)),
        };

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
                Require(
                    ReferenceEquals(scope, CancelScope.Current) && ReferenceEquals(task, LoopTask.Current),
                    "code came back to another scope or task");
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
            Require(
                await operation.Start() == 7 && test.Elapsed - start == stubborn.Time * Tick, "an operation did not come to its result");
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
                    !timeOut.IsExpired
                        || test.Elapsed - start <= node.Deadline * Tick
                        || !MustNotice(node.Body)
                        || Nodes(node.Body).Any(static inner => inner is Fail),
                    "a time-out that had expired was not thrown");
            }
            catch (TimeoutException exception)
            {
                Require(
                    timeOut.IsExpired && exception.InnerException is OperationCanceledException,
                    "a time-out was thrown that had not expired");
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
            for (var scope = CancelScope.Current;
                scope is not null && ReferenceEquals(_entries[scope].Task, LoopTask.Current);
                scope = _entries[scope].Parent)
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

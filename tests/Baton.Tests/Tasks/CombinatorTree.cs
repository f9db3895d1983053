namespace Baton.Tests.Tasks;

/// <summary>A random tree of combinators: it runs on a loop, and it predicts, without one, how and when each of its nodes ends.</summary>
/// <remarks>
/// Everything starts at time zero, and no two delays, limits or cancellations fall on the same moment, so that the prediction needs to know
/// nothing of trips through the loop. Whatever ends at the moment of a cancellation ends as cancelled.
/// </remarks>
internal sealed class CombinatorTree
{
    private readonly Random _random;
    private readonly List<Node> _nodes = [];

    internal CombinatorTree(int seed, int size)
    {
        _random = new Random(seed);
        Root = Make(Math.Max(1, size));
        Cancels = [.. Enumerable.Range(0, _random.Next(3)).Select(_ => Moment()).Order()];
        Root.Predict(Cancels);
    }

    internal enum EndKind
    {
        Ok,
        Failed,
        Cancelled,
    }

    internal Node Root { get; }

    /// <summary>When the root's task is asked to end.</summary>
    internal long[] Cancels { get; }

    internal IReadOnlyList<Node> Nodes => _nodes;

    /// <summary>The messages of failures that were thrown, and of those that somebody looked at.</summary>
    internal List<string> Thrown { get; } = [];

    internal HashSet<string> Observed { get; } = [];

    private Node Make(int size)
    {
        Node node;
        if (size <= 1)
        {
            node = new Leaf { Delay = Moment(), Fails = _random.Next(4) == 0, Reaction = (Reaction)_random.Next(4), CleanUp = Moment() };
        }
        else
        {
            node = _random.Next(7) switch
            {
                0 or 1 => new GatherNode { Children = MakeSeveral(size) },
                2 => new OutcomesNode { Children = MakeSeveral(size) },
                3 =>
                    new WaitNode
                    {
                        Children = MakeSeveral(size),
                        When = (ReturnWhen)_random.Next(3),
                        Limit = _random.Next(2) == 0 ? Moment() : long.MaxValue,
                    },
                4 => new AsCompletedNode { Children = MakeSeveral(size) },
                5 => new ShieldNode { Children = [Make(size - 1)] },
                _ => new WaitForNode { Children = [Make(size - 1)], Limit = Moment() },
            };
        }

        node.Tree = this;
        node.Number = _nodes.Count;
        _nodes.Add(node);
        return node;
    }

    private Node[] MakeSeveral(int size)
    {
        var children = new List<Node>();
        var left = size - 1;
        while (left > 0)
        {
            var part = _random.Next(1, left + 1);
            children.Add(Make(part));
            left -= part;
        }

        return [.. children];
    }

    /// <summary>In ticks, out of so many that no two are the same.</summary>
    private long Moment() => _random.NextInt64(1, 100_000_000_000);

    internal readonly record struct End(long Time, EndKind Kind, string? Failure = null);

    internal abstract class Node
    {
        private static readonly long[] None = [];

        internal CombinatorTree Tree { get; set; } = null!;

        internal int Number { get; set; }

        internal Node[] Children { get; init; } = [];

        internal End Predicted { get; private set; }

        internal End? Actual { get; private set; }

        internal End Predict(IReadOnlyList<long> cancels) => Predicted = PredictEnd(cancels);

        internal async Coroutine<int> Run()
        {
            var loop = EventLoop.Current;
            try
            {
                await RunBody();
                Actual = new End(loop.Time / 100, EndKind.Ok);
                return Number;
            }
            catch (CancelledException)
            {
                Actual = new End(loop.Time / 100, EndKind.Cancelled);
                throw;
            }
            catch (Exception exception)
            {
                Actual = new End(loop.Time / 100, EndKind.Failed, exception.Message);
                throw;
            }
        }

        public override string ToString() => $"{GetType().Name} {Number}: predicted {Predicted}, actual {Actual}";

        protected abstract End PredictEnd(IReadOnlyList<long> cancels);

        protected abstract Coroutine RunBody();

        protected void Observe(Future future)
        {
            if (future.IsFailed)
            {
                Tree.Observed.Add(future.GetException()!.Message);
            }
        }

        protected void Throw(string message)
        {
            Tree.Thrown.Add(message);
            throw new IOException(message);
        }

        /// <summary>How the children end when nobody cancels them.</summary>
        protected List<End> PredictChildren() => [.. Children.Select(child => child.Predict(None))];

        /// <summary>
        /// Of something that passes on the cancellations that come before its end, of which each may bring the end forward.
        /// </summary>
        protected End PredictPassingOn(IReadOnlyList<long> cancels, Func<List<End>, bool, End> combine)
        {
            var effective = new List<long>();
            while (true)
            {
                var end = combine([.. Children.Select(child => child.Predict([.. effective]))], effective.Count > 0);
                if (effective.Count == cancels.Count || cancels[effective.Count] > end.Time)
                {
                    return end;
                }

                effective.Add(cancels[effective.Count]);
            }
        }

        /// <summary>Of something that keeps cancellations to itself.</summary>
        protected static End CancelledBefore(End end, IReadOnlyList<long> cancels) =>
            cancels.Count > 0 && cancels[0] < end.Time ? new End(cancels[0], EndKind.Cancelled) : end;
    }

    /// <summary>What a leaf does when it is cancelled: end, or clean up for a time and then end in one way or another.</summary>
    internal enum Reaction
    {
        End,
        CleanUp,
        GoOn,
        Fail,
    }

    internal sealed class Leaf : Node
    {
        internal long Delay { get; init; }

        internal bool Fails { get; init; }

        internal Reaction Reaction { get; init; }

        internal long CleanUp { get; init; }

        protected override End PredictEnd(IReadOnlyList<long> cancels)
        {
            if (cancels.Count == 0 || cancels[0] > Delay)
            {
                return Fails ? new End(Delay, EndKind.Failed, $"leaf {Number}") : new End(Delay, EndKind.Ok);
            }

            if (Reaction == Reaction.End)
            {
                return new End(cancels[0], EndKind.Cancelled);
            }

            var end = cancels[0] + CleanUp;
            return cancels.Count > 1 && cancels[1] < end ? new End(cancels[1], EndKind.Cancelled)
                : Reaction == Reaction.CleanUp ? new End(end, EndKind.Cancelled)
                : Reaction == Reaction.GoOn ? new End(end, EndKind.Ok)
                : new End(end, EndKind.Failed, $"clean-up {Number}");
        }

        protected override async Coroutine RunBody()
        {
            try
            {
                await Coroutine.Sleep(TimeSpan.FromTicks(Delay));
            }
            catch (CancelledException) when (Reaction != Reaction.End)
            {
                await Coroutine.Sleep(TimeSpan.FromTicks(CleanUp));
                if (Reaction == Reaction.Fail)
                {
                    Throw($"clean-up {Number}");
                }

                if (Reaction == Reaction.CleanUp)
                {
                    throw;
                }

                return;
            }

            if (Fails)
            {
                Throw($"leaf {Number}");
            }
        }
    }

    private sealed class GatherNode : Node
    {
        protected override End PredictEnd(IReadOnlyList<long> cancels) => PredictPassingOn(cancels, static (ends, isCancelled) =>
        {
            var bad = ends.Where(end => end.Kind != EndKind.Ok).OrderBy(end => end.Time).Cast<End?>().FirstOrDefault();
            return bad ?? new End(ends.Max(end => end.Time), isCancelled ? EndKind.Cancelled : EndKind.Ok);
        });

        protected override async Coroutine RunBody()
        {
            var results = await Coroutine.Gather(Children.Select(child => child.Run()));
            Assert.Equal(Children.Select(child => child.Number), results);
        }
    }

    private sealed class OutcomesNode : Node
    {
        protected override End PredictEnd(IReadOnlyList<long> cancels) => PredictPassingOn(
            cancels,
            static (ends, isCancelled) => new End(ends.Max(end => end.Time), isCancelled ? EndKind.Cancelled : EndKind.Ok));

        protected override async Coroutine RunBody()
        {
            var outcomes = await Coroutine.GatherOutcomes(Children.Select(child => child.Run()));
            for (var i = 0; i < outcomes.Length; i++)
            {
                Assert.Equal(Children[i].Actual!.Value.Kind == EndKind.Ok, outcomes[i].IsSuccess);
                if (outcomes[i].IsFailed)
                {
                    Tree.Observed.Add(outcomes[i].Exception!.Message);
                }
            }
        }
    }

    private sealed class WaitNode : Node
    {
        internal ReturnWhen When { get; init; }

        internal long Limit { get; init; }

        protected override End PredictEnd(IReadOnlyList<long> cancels)
        {
            var ends = PredictChildren();
            var last = ends.Max(end => end.Time);
            var time = When switch
            {
                ReturnWhen.FirstCompleted => ends.Min(end => end.Time),
                ReturnWhen.FirstException => ends.Where(end => end.Kind == EndKind.Failed).Select(end => end.Time).Append(last).Min(),
                _ => last,
            };
            return CancelledBefore(new End(Math.Min(time, Limit), EndKind.Ok), cancels);
        }

        protected override async Coroutine RunBody()
        {
            var tasks = Children.Select(child => Coroutine.Start(child.Run())).ToList();
            var (done, pending) = await Coroutine.Wait(tasks, Limit == long.MaxValue ? null : TimeSpan.FromTicks(Limit), When);
            Assert.Equal(tasks.Where(task => task.IsDone), done);
            Assert.Equal(tasks.Where(task => !task.IsDone), pending);
            done.ToList().ForEach(Observe);
        }
    }

    private sealed class AsCompletedNode : Node
    {
        protected override End PredictEnd(IReadOnlyList<long> cancels) =>
            CancelledBefore(new End(PredictChildren().Max(end => end.Time), EndKind.Ok), cancels);

        protected override async Coroutine RunBody()
        {
            var times = new List<long>();
            await foreach (var task in Coroutine.AsCompleted(Children.Select(child => child.Run())))
            {
                Observe(task);
                times.Add(EventLoop.Current.Time / 100);
            }

            Assert.Equal(Children.Select(child => child.Actual!.Value.Time).Order(), times);
        }
    }

    private sealed class ShieldNode : Node
    {
        protected override End PredictEnd(IReadOnlyList<long> cancels) => CancelledBefore(PredictChildren()[0], cancels);

        protected override async Coroutine RunBody() => await Coroutine.Shield(Children[0].Run());
    }

    private sealed class WaitForNode : Node
    {
        internal long Limit { get; init; }

        protected override End PredictEnd(IReadOnlyList<long> cancels)
        {
            var end = Children[0].Predict([.. cancels.Append(Limit).Order()]);
            return end.Kind == EndKind.Cancelled && Limit <= end.Time && cancels.All(cancel => cancel > end.Time)
                ? new End(end.Time, EndKind.Failed, $"{Number} timed out")
                : end;
        }

        protected override async Coroutine RunBody()
        {
            try
            {
                await Coroutine.WaitFor(Children[0].Run(), TimeSpan.FromTicks(Limit));
            }
            catch (TimeoutException)
            {
                Throw($"{Number} timed out");
            }
        }
    }
}

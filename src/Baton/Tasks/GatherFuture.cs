namespace Baton;

/// <summary>
/// The future that <c>Coroutine.Gather</c> returns. It waits by way of one callback for each child, and passes a cancellation on to the
/// children instead of being cancelled itself.
/// </summary>
/// <remarks>
/// Made in three steps: construct, <c>Add</c> every child, <see cref="Begin"/>. A child that it made of a coroutine is its own: nobody else
/// sees that task, so nobody else can look at its failure. A child that was given to it may stand among the others several times.
/// </remarks>
internal sealed class GatherFuture<TResult> : Future<TResult>, IGathering
{
    private static readonly Action<Future, object?> OwnChildDone =
        static (child, gather) => ((GatherFuture<TResult>)gather!).OnChildDone(child, isOwn: true);

    private static readonly Action<Future, object?> GivenChildDone =
        static (child, gather) => ((GatherFuture<TResult>)gather!).OnChildDone(child, isOwn: false);

    private readonly Func<GatherFuture<TResult>, TResult> _collect;
    private readonly bool _returnsFailures;
    private Future[] _children;
    private bool[]? _isGiven;
    private int _count;
    private int _pending;
    private string? _cancelMessage;
    private bool _hasFailedAsCancelled;

    /// <param name="capacity">How many children there will be, or a guess.</param>
    /// <param name="collect">Makes the result when all children are done, by <see cref="Result"/> or by <see cref="Outcome"/>.</param>
    /// <param name="returnsFailures">Whether failures are part of the result.</param>
    internal GatherFuture(int capacity, Func<GatherFuture<TResult>, TResult> collect, bool returnsFailures = false)
        : base(EventLoop.Current)
    {
        _children = capacity == 0 ? [] : new Future[capacity];
        _collect = collect;
        _returnsFailures = returnsFailures;
    }

    public int Count => _count;

    public bool HasGivenChildren => _isGiven is not null;

    public bool IsCancelRequested { get; private set; }

    public Future Child(int index) => _children[index];

    public void RequestCancel(string? message)
    {
        IsCancelRequested = true;
        _cancelMessage = message;
    }

    public override bool Cancel(string? message = null)
    {
        Loop.CheckThread();
        return !IsDone && GatherCancellation.Cancel(this, message, asAwaited: false);
    }

    protected override string Label => $"Gather of {_count}";

    protected override string StateName => !IsDone && IsCancelRequested ? "cancelling" : base.StateName;

    internal GatherFuture<TResult> Add(Coroutine child)
    {
        try
        {
            Append(Loop.CreateTask(child));
        }
        catch
        {
            Abandon();
            throw;
        }

        return this;
    }

    internal GatherFuture<TResult> Add<TChild>(Coroutine<TChild> child)
    {
        try
        {
            Append(Loop.CreateTask(child));
        }
        catch
        {
            Abandon();
            throw;
        }

        return this;
    }

    internal GatherFuture<TResult> Add(IAwaitable child)
    {
        try
        {
            ArgumentNullException.ThrowIfNull(child);
            Append(child.ToFuture(Loop));
            if (child is Future)
            {
                _isGiven ??= new bool[_children.Length];
                _isGiven[_count - 1] = true;
            }
        }
        catch
        {
            Abandon();
            throw;
        }

        return this;
    }

    internal GatherFuture<TResult> AddAll<TChild>(IEnumerable<Coroutine<TChild>> children) =>
        AddEach(children, static (gather, child) => gather.Add(child));

    internal GatherFuture<TResult> AddAll<TChild>(ReadOnlySpan<Coroutine<TChild>> children)
    {
        foreach (var child in children)
        {
            Add(child);
        }

        return this;
    }

    internal GatherFuture<TResult> AddAll(IEnumerable<Coroutine> children) =>
        AddEach(children, static (gather, child) => gather.Add(child));

    internal GatherFuture<TResult> AddAll(ReadOnlySpan<Coroutine> children)
    {
        foreach (var child in children)
        {
            Add(child);
        }

        return this;
    }

    internal GatherFuture<TResult> AddAll(IEnumerable<IAwaitable> children) =>
        AddEach(children, static (gather, child) => gather.Add(child));

    internal GatherFuture<TResult> AddAll<TChild>(ReadOnlySpan<TChild> children)
        where TChild : class, IAwaitable
    {
        foreach (var child in children)
        {
            Add(child);
        }

        return this;
    }

    /// <summary>Adds what a sequence yields. Where the sequence throws, what was started from it is not left running.</summary>
    private GatherFuture<TResult> AddEach<TChild>(IEnumerable<TChild> children, Action<GatherFuture<TResult>, TChild> add)
    {
        try
        {
            foreach (var child in children)
            {
                add(this, child);
            }
        }
        catch
        {
            Abandon();
            throw;
        }

        return this;
    }

    /// <summary>Starts to wait. Where every child is done already, as eager tasks may be, so is the gather.</summary>
    internal GatherFuture<TResult> Begin()
    {
        _pending = _count;
        if (_count == 0)
        {
            Finish();
            return this;
        }

        List<int>? done = null;
        for (var i = 0; i < _count; i++)
        {
            var child = _children[i];
            if (child.IsDone)
            {
                (done ??= []).Add(i);
            }
            else
            {
                child.AddDoneCallback(IsOwn(i) ? OwnChildDone : GivenChildDone, this, awaitedBy: this);
            }
        }

        if (done is not null)
        {
            // The last of them drops the list of children.
            var children = _children;
            foreach (var i in done)
            {
                OnChildDone(children[i], IsOwn(i));
            }
        }

        return this;
    }

    /// <summary>Cancels what was started of a gather that did not come about: none of it has run, unless it is eager.</summary>
    internal void Abandon()
    {
        for (var i = 0; i < _count; i++)
        {
            if (IsOwn(i))
            {
                _children[i].Cancel("The gather did not come about.");
            }
        }
    }

    internal TChild Result<TChild>(int index) => IAwaitable<TChild>.ResultOf(_children[index]);

    internal TChild[] Results<TChild>()
    {
        if (_count == 0)
        {
            return [];
        }

        var results = new TChild[_count];
        for (var i = 0; i < results.Length; i++)
        {
            results[i] = IAwaitable<TChild>.ResultOf(_children[i]);
        }

        return results;
    }

    internal Outcome<TChild> Outcome<TChild>(int index)
    {
        var child = _children[index];
        return child.IsFailed || child.IsCancelled
            ? new Outcome<TChild>(child.TakeException())
            : new Outcome<TChild>(IAwaitable<TChild>.ResultOf(child));
    }

    internal Outcome<TChild>[] Outcomes<TChild>()
    {
        var outcomes = new Outcome<TChild>[_count];
        for (var i = 0; i < outcomes.Length; i++)
        {
            outcomes[i] = Outcome<TChild>(i);
        }

        return outcomes;
    }

    internal Outcome[] Outcomes()
    {
        var outcomes = new Outcome[_count];
        for (var i = 0; i < outcomes.Length; i++)
        {
            var child = _children[i];
            outcomes[i] = child.IsFailed || child.IsCancelled ? new Outcome(child.TakeException()) : default;
        }

        return outcomes;
    }

    protected internal override bool CancelAsAwaited(string? message) =>
        !IsDone && GatherCancellation.Cancel(this, message, asAwaited: true);

    /// <inheritdoc/>
    internal override bool EndsCancelled => IsDone ? _hasFailedAsCancelled : IsCancelRequested;

    private void Append(Future child)
    {
        if (_count == _children.Length)
        {
            var capacity = Math.Max(4, _count * 2);
            Array.Resize(ref _children, capacity);
            if (_isGiven is not null)
            {
                Array.Resize(ref _isGiven, capacity);
            }
        }

        _children[_count++] = child;
    }

    private bool IsOwn(int index) => _isGiven is null || !_isGiven[index];

    private void OnChildDone(Future child, bool isOwn)
    {
        _pending--;
        if (IsDone)
        {
            if (isOwn && child.IsFailed)
            {
                Loop.ReportException($"{child} failed after the gather that had started it was over", child.GetException(), child);
            }
        }
        else if (!_returnsFailures && (child.IsFailed || child.IsCancelled))
        {
            // Of a cancellation a fresh exception: the child's own would collect the stack of every task on its way up, be there ten
            // thousand of them.
            Fail(child.IsCancelled ? new CancelledException(child.TakeException().Message) : child.GetException()!);
        }
        else if (_pending == 0)
        {
            Finish();
        }
    }

    private void Finish()
    {
        if (IsCancelRequested)
        {
            ReportFailures();
            Fail(new CancelledException(_cancelMessage));
        }
        else
        {
            TrySetResult(_collect(this));
        }

        _children = [];
    }

    private void Fail(Exception exception)
    {
        TrySetException(exception);
        if (exception is CancelledException)
        {
            _hasFailedAsCancelled = true;

            // A gather that was cancelled has not failed, and nobody needs to hear of it who does not ask.
            GetException();
        }
    }

    /// <summary>Reports the failures that would have been returned, had the gather not been cancelled.</summary>
    private void ReportFailures()
    {
        for (var i = 0; i < _count; i++)
        {
            if (_children[i] is { IsFailed: true } child && IsOwn(i))
            {
                Loop.ReportException(
                    $"{child} failed while the gather that had started it was being cancelled", child.GetException(), child);
            }
        }
    }
}

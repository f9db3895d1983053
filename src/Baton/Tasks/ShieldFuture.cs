namespace Baton;

/// <summary>The future that <c>Coroutine.Shield</c> returns: ends as another one does, and keeps cancellations from it.</summary>
internal sealed class ShieldFuture<TResult> : Future<TResult>
{
    private static readonly Action<Future, object?> OnInnerDone = static (_, shield) => ((ShieldFuture<TResult>)shield!).Copy();

    private readonly Future _inner;
    private readonly bool _hasResult;

    private ShieldFuture(Future inner, bool hasResult)
        : base(inner.Loop)
    {
        _inner = inner;
        _hasResult = hasResult;
    }

    /// <summary>Cancels the shield and not what it protects, unless that is done already: then its outcome is the shield's.</summary>
    public override bool Cancel(string? message = null)
    {
        Loop.CheckThread();
        if (_inner.IsDone)
        {
            // The callback has not run yet. What was there before the cancellation is delivered.
            Copy();
            return false;
        }

        if (!base.Cancel(message))
        {
            return false;
        }

        _inner.RemoveDoneCallback(OnInnerDone, this);
        ShieldedFailure.Watch(_inner);
        return true;
    }

    protected override string Label => $"Shield [{_inner.Brief}]";

    internal static ShieldFuture<TResult> Create(Future inner, bool hasResult = true)
    {
        var shield = new ShieldFuture<TResult>(inner, hasResult);
        if (inner.IsDone)
        {
            shield.Copy();
        }
        else
        {
            inner.AddDoneCallback(OnInnerDone, shield, awaitedBy: shield);
        }

        return shield;
    }

    private void Copy()
    {
        if (IsDone)
        {
            return;
        }

        if (_inner.IsCancelled)
        {
            base.Cancel(_inner.TakeException().Message);
        }
        else if (_inner.IsFailed)
        {
            TrySetException(_inner.GetException()!);
        }
        else
        {
            TrySetResult(_hasResult ? IAwaitable<TResult>.ResultOf(_inner) : default!);
        }
    }
}

/// <summary>Reports the failure of what was shielded when nobody waits for it any more: once, however many shields there were.</summary>
internal static class ShieldedFailure
{
    private static readonly Action<Future, object?> Report = static (inner, _) =>
    {
        if (inner.IsFailed)
        {
            var exception = inner.GetException()!;
            inner.Loop.ReportException($"{exception.GetType().Name} exception in shielded future", exception, inner);
        }
    };

    internal static void Watch(Future inner)
    {
        inner.RemoveDoneCallback(Report, null);
        inner.AddDoneCallback(Report, null);
    }
}

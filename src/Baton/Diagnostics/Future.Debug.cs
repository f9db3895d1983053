using System.Runtime.ExceptionServices;
using System.Text;

namespace Baton;

public partial class Future
{
    private const int MaximumValueLength = 60;

    // A result may lead back to its future, directly or by way of others: a description inside a description is brief.
    [ThreadStatic]
    private static bool t_isDescribing;

    /// <summary>
    /// Where the future or task was made, if that was in debug mode; else null. Corresponds to <c>source_traceback</c> of asyncio's
    /// reports.
    /// </summary>
    public CreationSite? CreationSite => LoopDebug.SiteOf(this);

    /// <summary>Name and state, in debug mode too.</summary>
    internal string Brief => $"{Label} ({StateName})";

    /// <summary>The result as text, for reports in debug mode.</summary>
    private protected virtual string? ResultText => null;

    /// <summary>A value in reports: cut short, and never failing.</summary>
    internal static string Text(object? value)
    {
        string text;
        try
        {
            text = value?.ToString() ?? "null";
        }
        catch (Exception exception)
        {
            text = $"a {value!.GetType().Name} whose ToString threw {exception.GetType().Name}";
        }

        return text.Length <= MaximumValueLength ? text : $"{text.AsSpan(0, MaximumValueLength)}…";
    }

    internal sealed override CreationSite? Origin => CreationSite;

    private string DescribeInDebug()
    {
        if (t_isDescribing)
        {
            return Brief;
        }

        t_isDescribing = true;
        try
        {
            return DescribeAll();
        }
        finally
        {
            t_isDescribing = false;
        }
    }

    private string DescribeAll()
    {
        var text = new StringBuilder(Label).Append(" (").Append(StateName);
        if (Loop.IsOnLoopThread)
        {
            AppendOutcome(text);
            AppendWaiting(text);
            AppendCallbacks(text);
        }

        if (CreationSite?.Innermost is { } site)
        {
            text.Append(", created at ").Append(site);
        }

        return text.Append(')').ToString();
    }

    private void AppendOutcome(StringBuilder text)
    {
        if (IsFailed)
        {
            var failure = _outcome is UnretrievedFailure unretrieved
                ? unretrieved.Failure.SourceException
                : ((ExceptionDispatchInfo)_outcome!).SourceException;
            text.Append(" with ").Append(failure.GetType().Name).Append(": ").Append(Text(failure.Message));
        }
        else if (IsDone && !IsCancelled && ResultText is { } result)
        {
            text.Append(" with ").Append(result);
        }
    }

    private void AppendWaiting(StringBuilder text)
    {
        if (this is LoopTask task && task.GetAwaitStack() is { Frames.Count: > 0 } stack)
        {
            text.Append(", in ").Append(stack.Frames[^1]);
            if (stack.WaitsFor is { } waitsFor)
            {
                text.Append(", waits for ").Append(waitsFor);
            }
        }
    }

    private void AppendCallbacks(StringBuilder text)
    {
        var callbacks = Callbacks();
        switch (callbacks.Count)
        {
            case 0:
                break;
            case 1:
                text.Append(", then ").Append(callbacks[0].DescribeAsCallback());
                break;
            case 2:
                text.Append(", then ").Append(callbacks[0].DescribeAsCallback()).Append(" and ").Append(callbacks[1].DescribeAsCallback());
                break;
            default:
                text.Append(", then ").Append(callbacks[0].DescribeAsCallback()).Append(", ").Append(callbacks.Count - 2)
                    .Append(" more and ")
                    .Append(callbacks[^1].DescribeAsCallback());
                break;
        }
    }
}

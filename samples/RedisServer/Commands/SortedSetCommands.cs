namespace RedisServer;

/// <summary>Sorted sets.</summary>
internal static class SortedSetCommands
{
    public static void Register(CommandTable.AddCommand add)
    {
        add("ZADD", -4, ZAdd, CommandFlags.Write);
        add("ZINCRBY", 4, ZIncrBy, CommandFlags.Write);
        add("ZREM", -3, ZRem, CommandFlags.Write);
        add("ZSCORE", 3, ZScore);
        add("ZCARD", 2, static (in Call call) => call.Reply.Integer(Find(call)?.Count ?? 0));
        add("ZRANK", 3, static (in Call call) => ZRank(call, isReversed: false));
        add("ZREVRANK", 3, static (in Call call) => ZRank(call, isReversed: true));
        add("ZRANGE", -4, static (in Call call) => ZRange(call, isReversed: false));
        add("ZREVRANGE", -4, static (in Call call) => ZRange(call, isReversed: true));
        add("ZRANGEBYSCORE", -4, ZRangeByScore);
        add("ZCOUNT", 4, ZCount);
    }

    private static SortedValue? Find(in Call call) => call.Database.Find<SortedValue>(call.Key);

    private static void ZAdd(in Call call)
    {
        var (onlyNew, onlyOld, onlyGreater, onlyLess, countsChanged, increments) = (false, false, false, false, false, false);
        var i = 2;
        for (; i < call.Count; i++)
        {
            if (call.Is(i, "NX"u8))
            {
                onlyNew = true;
            }
            else if (call.Is(i, "XX"u8))
            {
                onlyOld = true;
            }
            else if (call.Is(i, "GT"u8))
            {
                onlyGreater = true;
            }
            else if (call.Is(i, "LT"u8))
            {
                onlyLess = true;
            }
            else if (call.Is(i, "CH"u8))
            {
                countsChanged = true;
            }
            else if (call.Is(i, "INCR"u8))
            {
                increments = true;
            }
            else
            {
                break;
            }
        }

        if (i == call.Count || (call.Count - i) % 2 != 0)
        {
            throw new CommandException(CommandException.Syntax);
        }

        if (onlyNew && onlyOld)
        {
            throw new CommandException("ERR XX and NX options at the same time are not compatible");
        }

        if ((onlyNew ? 1 : 0) + (onlyGreater ? 1 : 0) + (onlyLess ? 1 : 0) > 1)
        {
            throw new CommandException("ERR GT, LT, and/or NX options at the same time are not compatible");
        }

        if (increments && call.Count - i > 2)
        {
            throw new CommandException("ERR INCR option supports a single increment-element pair");
        }

        // All of them, before anything is changed.
        for (var j = i; j < call.Count; j += 2)
        {
            call.Float(j);
        }

        var sorted = Find(call);
        var (added, changed) = (0, 0);
        double? last = null;
        for (; i < call.Count; i += 2)
        {
            var score = call.Float(i);
            var before = sorted?.ScoreOf(call[i + 1]);
            if (increments && before is not null)
            {
                score = Sum(score, before.Value);
            }

            if (before is null ? onlyOld : onlyNew || (onlyGreater && score <= before) || (onlyLess && score >= before))
            {
                continue;
            }

            last = score;
            if (before != score)
            {
                sorted ??= call.Database.FindOrAdd<SortedValue>(call.Key);
                sorted.Set(call[i + 1], score);
                added += before is null ? 1 : 0;
                changed++;
            }
        }

        if (changed > 0)
        {
            call.Changed(call.Key);
        }

        if (!increments)
        {
            call.Reply.Integer(countsChanged ? changed : added);
        }
        else if (last is { } result)
        {
            call.Reply.Double(result);
        }
        else
        {
            call.Reply.Null();
        }
    }

    private static double Sum(double left, double right) =>
        double.IsNaN(left + right) ? throw new CommandException("ERR resulting score is not a number (NaN)") : left + right;

    private static void ZIncrBy(in Call call)
    {
        var delta = call.Float(2);
        var score = Sum(delta, Find(call)?.ScoreOf(call[3]) ?? 0);
        call.Database.FindOrAdd<SortedValue>(call.Key).Set(call[3], score);
        call.Changed(call.Key);
        call.Reply.Double(score);
    }

    private static void ZRem(in Call call)
    {
        var sorted = Find(call);
        var count = 0;
        for (var i = 2; i < call.Count && sorted is not null; i++)
        {
            count += sorted.Remove(call[i]) ? 1 : 0;
        }

        if (count > 0)
        {
            call.Database.RemoveIfEmpty(call.Key, sorted!);
            call.Changed(call.Key);
        }

        call.Reply.Integer(count);
    }

    private static void ZScore(in Call call)
    {
        if (Find(call)?.ScoreOf(call[2]) is { } score)
        {
            call.Reply.Double(score);
        }
        else
        {
            call.Reply.Null();
        }
    }

    private static void ZRank(in Call call, bool isReversed)
    {
        var sorted = Find(call);
        if (sorted?.RankOf(call[2]) is { } rank)
        {
            call.Reply.Integer(isReversed ? sorted.Count - 1 - rank : rank);
        }
        else
        {
            call.Reply.Null();
        }
    }

    private static void ZRange(in Call call, bool isReversed)
    {
        var withScores = false;
        for (var i = 4; i < call.Count; i++)
        {
            if (call.Is(i, "WITHSCORES"u8))
            {
                withScores = true;
            }
            else if (call.Is(i, "REV"u8) && !isReversed && call.Command.Name == "ZRANGE")
            {
                isReversed = true;
            }
            else
            {
                throw new CommandException(CommandException.Syntax);
            }
        }

        var (first, last) = (call.Integer(2), call.Integer(3));
        var sorted = Find(call);
        var count = sorted?.Count ?? 0;
        var (start, length) = ListCommands.Resolve(first, last, count).GetOffsetAndLength(count);
        Write(call.Reply, sorted, isReversed ? count - 1 - start : start, length, isReversed ? -1 : 1, withScores);
    }

    private static void ZRangeByScore(in Call call)
    {
        var withScores = false;
        var (offset, limit) = (0L, -1L);
        for (var i = 4; i < call.Count; i++)
        {
            if (call.Is(i, "WITHSCORES"u8))
            {
                withScores = true;
            }
            else if (call.Is(i, "LIMIT"u8) && i + 2 < call.Count)
            {
                (offset, limit) = (call.Integer(i + 1), call.Integer(i + 2));
                i += 2;
            }
            else
            {
                throw new CommandException(CommandException.Syntax);
            }
        }

        var sorted = Find(call);
        var (start, end) = Between(call, sorted);
        var length = offset < 0 || offset > end - start ? 0 : end - start - offset;
        length = limit < 0 ? length : Math.Min(length, limit);
        Write(call.Reply, sorted, length > 0 ? (int)(start + offset) : 0, (int)length, 1, withScores);
    }

    private static void ZCount(in Call call)
    {
        var (start, end) = Between(call, Find(call));
        call.Reply.Integer(end - start);
    }

    /// <summary>The ranks from the first that is between two scores to the one behind the last.</summary>
    private static (int Start, int End) Between(in Call call, SortedValue? sorted)
    {
        var (low, excludesLow) = Bound(call[2]);
        var (high, excludesHigh) = Bound(call[3]);
        if (sorted is null)
        {
            return (0, 0);
        }

        var start = sorted.FirstFrom(low, excludesLow);
        return (start, Math.Max(start, sorted.FirstFrom(high, isExclusive: !excludesHigh)));
    }

    private static (double Score, bool IsExclusive) Bound(ReadOnlySpan<byte> text)
    {
        var isExclusive = text.StartsWith("("u8);
        return Numbers.TryParse(isExclusive ? text[1..] : text, out double score)
            ? (score, isExclusive) : throw new CommandException("ERR min or max is not a float");
    }

    private static void Write(RespWriter reply, SortedValue? sorted, int rank, int count, int step, bool withScores)
    {
        var isPaired = withScores && reply.IsResp3;
        reply.Array(withScores && !isPaired ? count * 2 : count);
        for (; count > 0; count--, rank += step)
        {
            var (score, member) = sorted![rank];
            if (isPaired)
            {
                reply.Array(2);
            }

            reply.Bulk(member);
            if (withScores)
            {
                reply.Double(score);
            }
        }
    }
}

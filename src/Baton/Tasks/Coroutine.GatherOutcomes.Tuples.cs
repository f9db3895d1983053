namespace Baton;

// Coroutines have forms of their own because an interface would box them.
public readonly partial struct Coroutine
{
    /// <summary>
    /// Waits until several things, of whatever types, have all ended, and returns how each ended, in the order of the arguments.
    /// Corresponds to <c>asyncio.gather(…, return_exceptions=True)</c>.
    /// </summary>
    /// <remarks><inheritdoc cref="GatherOutcomes{TResult}(IEnumerable{Coroutine{TResult}})" path="/remarks/node()"/></remarks>
    /// <exception cref="InvalidOperationException">
    /// No loop runs on this thread, a coroutine has been used, or a future belongs to another loop.
    /// </exception>
    public static Future<(Outcome<T1>, Outcome<T2>)> GatherOutcomes<T1, T2>(Coroutine<T1> first, Coroutine<T2> second) =>
        new GatherFuture<(Outcome<T1>, Outcome<T2>)>(2, static all => (all.Outcome<T1>(0), all.Outcome<T2>(1)), returnsFailures: true)
            .Add(first).Add(second).Begin();

    /// <inheritdoc cref="GatherOutcomes{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(Outcome<T1>, Outcome<T2>, Outcome<T3>)> GatherOutcomes<T1, T2, T3>(
        Coroutine<T1> first, Coroutine<T2> second, Coroutine<T3> third) =>
        new GatherFuture<(Outcome<T1>, Outcome<T2>, Outcome<T3>)>(
            3,
            static all => (all.Outcome<T1>(0), all.Outcome<T2>(1), all.Outcome<T3>(2)),
            returnsFailures: true)
            .Add(first).Add(second).Add(third).Begin();

    /// <inheritdoc cref="GatherOutcomes{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(Outcome<T1>, Outcome<T2>, Outcome<T3>, Outcome<T4>)> GatherOutcomes<T1, T2, T3, T4>(
        Coroutine<T1> first,
        Coroutine<T2> second,
        Coroutine<T3> third,
        Coroutine<T4> fourth) =>
        new GatherFuture<(Outcome<T1>, Outcome<T2>, Outcome<T3>, Outcome<T4>)>(
            4,
            static all => (all.Outcome<T1>(0), all.Outcome<T2>(1), all.Outcome<T3>(2), all.Outcome<T4>(3)),
            returnsFailures: true)
            .Add(first).Add(second).Add(third).Add(fourth).Begin();

    /// <inheritdoc cref="GatherOutcomes{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(Outcome<T1>, Outcome<T2>, Outcome<T3>, Outcome<T4>, Outcome<T5>)> GatherOutcomes<T1, T2, T3, T4, T5>(
        Coroutine<T1> first,
        Coroutine<T2> second,
        Coroutine<T3> third,
        Coroutine<T4> fourth,
        Coroutine<T5> fifth) =>
        new GatherFuture<(Outcome<T1>, Outcome<T2>, Outcome<T3>, Outcome<T4>, Outcome<T5>)>(
            5,
            static all => (all.Outcome<T1>(0), all.Outcome<T2>(1), all.Outcome<T3>(2), all.Outcome<T4>(3), all.Outcome<T5>(4)),
            returnsFailures: true)
            .Add(first).Add(second).Add(third).Add(fourth).Add(fifth).Begin();

    /// <inheritdoc cref="GatherOutcomes{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(Outcome<T1>, Outcome<T2>, Outcome<T3>, Outcome<T4>, Outcome<T5>, Outcome<T6>)> GatherOutcomes<T1, T2, T3, T4, T5, T6>(
        Coroutine<T1> first,
        Coroutine<T2> second,
        Coroutine<T3> third,
        Coroutine<T4> fourth,
        Coroutine<T5> fifth,
        Coroutine<T6> sixth) =>
        new GatherFuture<(Outcome<T1>, Outcome<T2>, Outcome<T3>, Outcome<T4>, Outcome<T5>, Outcome<T6>)>(
            6,
            static all =>
                (all.Outcome<T1>(0), all.Outcome<T2>(1), all.Outcome<T3>(2), all.Outcome<T4>(3), all.Outcome<T5>(4), all.Outcome<T6>(5)),
            returnsFailures: true)
            .Add(first).Add(second).Add(third).Add(fourth).Add(fifth).Add(sixth).Begin();

    /// <inheritdoc cref="GatherOutcomes{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(Outcome<T1>, Outcome<T2>)> GatherOutcomes<T1, T2>(IAwaitable<T1> first, IAwaitable<T2> second) =>
        new GatherFuture<(Outcome<T1>, Outcome<T2>)>(2, static all => (all.Outcome<T1>(0), all.Outcome<T2>(1)), returnsFailures: true)
            .Add(first).Add(second).Begin();

    /// <inheritdoc cref="GatherOutcomes{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(Outcome<T1>, Outcome<T2>, Outcome<T3>)> GatherOutcomes<T1, T2, T3>(
        IAwaitable<T1> first,
        IAwaitable<T2> second,
        IAwaitable<T3> third) =>
        new GatherFuture<(Outcome<T1>, Outcome<T2>, Outcome<T3>)>(
            3,
            static all => (all.Outcome<T1>(0), all.Outcome<T2>(1), all.Outcome<T3>(2)),
            returnsFailures: true)
            .Add(first).Add(second).Add(third).Begin();

    /// <inheritdoc cref="GatherOutcomes{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(Outcome<T1>, Outcome<T2>, Outcome<T3>, Outcome<T4>)> GatherOutcomes<T1, T2, T3, T4>(
        IAwaitable<T1> first,
        IAwaitable<T2> second,
        IAwaitable<T3> third,
        IAwaitable<T4> fourth) =>
        new GatherFuture<(Outcome<T1>, Outcome<T2>, Outcome<T3>, Outcome<T4>)>(
            4,
            static all => (all.Outcome<T1>(0), all.Outcome<T2>(1), all.Outcome<T3>(2), all.Outcome<T4>(3)),
            returnsFailures: true)
            .Add(first).Add(second).Add(third).Add(fourth).Begin();

    /// <inheritdoc cref="GatherOutcomes{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(Outcome<T1>, Outcome<T2>, Outcome<T3>, Outcome<T4>, Outcome<T5>)> GatherOutcomes<T1, T2, T3, T4, T5>(
        IAwaitable<T1> first,
        IAwaitable<T2> second,
        IAwaitable<T3> third,
        IAwaitable<T4> fourth,
        IAwaitable<T5> fifth) =>
        new GatherFuture<(Outcome<T1>, Outcome<T2>, Outcome<T3>, Outcome<T4>, Outcome<T5>)>(
            5,
            static all => (all.Outcome<T1>(0), all.Outcome<T2>(1), all.Outcome<T3>(2), all.Outcome<T4>(3), all.Outcome<T5>(4)),
            returnsFailures: true)
            .Add(first).Add(second).Add(third).Add(fourth).Add(fifth).Begin();

    /// <inheritdoc cref="GatherOutcomes{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(Outcome<T1>, Outcome<T2>, Outcome<T3>, Outcome<T4>, Outcome<T5>, Outcome<T6>)> GatherOutcomes<T1, T2, T3, T4, T5, T6>(
        IAwaitable<T1> first,
        IAwaitable<T2> second,
        IAwaitable<T3> third,
        IAwaitable<T4> fourth,
        IAwaitable<T5> fifth,
        IAwaitable<T6> sixth) =>
        new GatherFuture<(Outcome<T1>, Outcome<T2>, Outcome<T3>, Outcome<T4>, Outcome<T5>, Outcome<T6>)>(
            6,
            static all =>
                (all.Outcome<T1>(0), all.Outcome<T2>(1), all.Outcome<T3>(2), all.Outcome<T4>(3), all.Outcome<T5>(4), all.Outcome<T6>(5)),
            returnsFailures: true)
            .Add(first).Add(second).Add(third).Add(fourth).Add(fifth).Add(sixth).Begin();
}

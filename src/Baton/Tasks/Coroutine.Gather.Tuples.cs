namespace Baton;

// Coroutines have forms of their own because an interface would box them.
public readonly partial struct Coroutine
{
    /// <summary>
    /// Waits for several things at once and returns their results, of whatever types, in the order of the arguments. Coroutines become
    /// tasks at once, in that order. Corresponds to <c>asyncio.gather</c>.
    /// </summary>
    /// <remarks><inheritdoc cref="Gather{TResult}(IEnumerable{Coroutine{TResult}})" path="/remarks/node()"/></remarks>
    /// <returns>
    /// A future: awaiting it throws the first exception. It can be awaited any number of times; cancelling it cancels everything in it.
    /// </returns>
    /// <exception cref="InvalidOperationException">
    /// No loop runs on this thread, a coroutine has been used, or a future belongs to another loop.
    /// </exception>
    public static Future<(T1, T2)> Gather<T1, T2>(Coroutine<T1> first, Coroutine<T2> second) =>
        new GatherFuture<(T1, T2)>(2, static all => (all.Result<T1>(0), all.Result<T2>(1))).Add(first).Add(second).Begin();

    /// <inheritdoc cref="Gather{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(T1, T2, T3)> Gather<T1, T2, T3>(Coroutine<T1> first, Coroutine<T2> second, Coroutine<T3> third) =>
        new GatherFuture<(T1, T2, T3)>(3, static all => (all.Result<T1>(0), all.Result<T2>(1), all.Result<T3>(2)))
            .Add(first).Add(second).Add(third).Begin();

    /// <inheritdoc cref="Gather{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(T1, T2, T3, T4)> Gather<T1, T2, T3, T4>(
        Coroutine<T1> first, Coroutine<T2> second, Coroutine<T3> third, Coroutine<T4> fourth) =>
        new GatherFuture<(T1, T2, T3, T4)>(4, static all => (all.Result<T1>(0), all.Result<T2>(1), all.Result<T3>(2), all.Result<T4>(3)))
            .Add(first).Add(second).Add(third).Add(fourth).Begin();

    /// <inheritdoc cref="Gather{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(T1, T2, T3, T4, T5)> Gather<T1, T2, T3, T4, T5>(
        Coroutine<T1> first,
        Coroutine<T2> second,
        Coroutine<T3> third,
        Coroutine<T4> fourth,
        Coroutine<T5> fifth) =>
        new GatherFuture<(T1, T2, T3, T4, T5)>(
            5,
            static all => (all.Result<T1>(0), all.Result<T2>(1), all.Result<T3>(2), all.Result<T4>(3), all.Result<T5>(4)))
            .Add(first).Add(second).Add(third).Add(fourth).Add(fifth).Begin();

    /// <inheritdoc cref="Gather{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(T1, T2, T3, T4, T5, T6)> Gather<T1, T2, T3, T4, T5, T6>(
        Coroutine<T1> first,
        Coroutine<T2> second,
        Coroutine<T3> third,
        Coroutine<T4> fourth,
        Coroutine<T5> fifth,
        Coroutine<T6> sixth) =>
        new GatherFuture<(T1, T2, T3, T4, T5, T6)>(
            6,
            static all =>
                (all.Result<T1>(0), all.Result<T2>(1), all.Result<T3>(2), all.Result<T4>(3), all.Result<T5>(4), all.Result<T6>(5)))
            .Add(first).Add(second).Add(third).Add(fourth).Add(fifth).Add(sixth).Begin();

    /// <inheritdoc cref="Gather{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(T1, T2)> Gather<T1, T2>(IAwaitable<T1> first, IAwaitable<T2> second) =>
        new GatherFuture<(T1, T2)>(2, static all => (all.Result<T1>(0), all.Result<T2>(1))).Add(first).Add(second).Begin();

    /// <inheritdoc cref="Gather{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(T1, T2, T3)> Gather<T1, T2, T3>(IAwaitable<T1> first, IAwaitable<T2> second, IAwaitable<T3> third) =>
        new GatherFuture<(T1, T2, T3)>(3, static all => (all.Result<T1>(0), all.Result<T2>(1), all.Result<T3>(2)))
            .Add(first).Add(second).Add(third).Begin();

    /// <inheritdoc cref="Gather{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(T1, T2, T3, T4)> Gather<T1, T2, T3, T4>(
        IAwaitable<T1> first, IAwaitable<T2> second, IAwaitable<T3> third, IAwaitable<T4> fourth) =>
        new GatherFuture<(T1, T2, T3, T4)>(4, static all => (all.Result<T1>(0), all.Result<T2>(1), all.Result<T3>(2), all.Result<T4>(3)))
            .Add(first).Add(second).Add(third).Add(fourth).Begin();

    /// <inheritdoc cref="Gather{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(T1, T2, T3, T4, T5)> Gather<T1, T2, T3, T4, T5>(
        IAwaitable<T1> first,
        IAwaitable<T2> second,
        IAwaitable<T3> third,
        IAwaitable<T4> fourth,
        IAwaitable<T5> fifth) =>
        new GatherFuture<(T1, T2, T3, T4, T5)>(
            5,
            static all => (all.Result<T1>(0), all.Result<T2>(1), all.Result<T3>(2), all.Result<T4>(3), all.Result<T5>(4)))
            .Add(first).Add(second).Add(third).Add(fourth).Add(fifth).Begin();

    /// <inheritdoc cref="Gather{T1, T2}(Coroutine{T1}, Coroutine{T2})"/>
    public static Future<(T1, T2, T3, T4, T5, T6)> Gather<T1, T2, T3, T4, T5, T6>(
        IAwaitable<T1> first,
        IAwaitable<T2> second,
        IAwaitable<T3> third,
        IAwaitable<T4> fourth,
        IAwaitable<T5> fifth,
        IAwaitable<T6> sixth) =>
        new GatherFuture<(T1, T2, T3, T4, T5, T6)>(
            6,
            static all =>
                (all.Result<T1>(0), all.Result<T2>(1), all.Result<T3>(2), all.Result<T4>(3), all.Result<T5>(4), all.Result<T6>(5)))
            .Add(first).Add(second).Add(third).Add(fourth).Add(fifth).Add(sixth).Begin();
}

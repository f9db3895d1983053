using System.Runtime.CompilerServices;

namespace Baton;

public readonly partial struct Coroutine
{
    /// <summary>
    /// Waits until many things have all ended, and returns how each ended, in the order of the arguments. Corresponds to
    /// <c>asyncio.gather(…, return_exceptions=True)</c>.
    /// </summary>
    /// <remarks>
    /// <para>Failures and cancellations of the children are part of the result: the failure counts as seen.</para>
    /// <para>Cancelling it, or the task that awaits it, cancels every child. When all have ended, awaiting it throws a
    /// <see cref="CancelledException"/>; failures of coroutines, which then are not returned, go to the loop's exception handler.</para>
    /// </remarks>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <exception cref="InvalidOperationException">
    /// No loop runs on this thread, a coroutine has been used, or a future belongs to another loop.
    /// </exception>
    public static Future<Outcome<TResult>[]> GatherOutcomes<TResult>(IEnumerable<Coroutine<TResult>> coroutines) =>
        new GatherFuture<Outcome<TResult>[]>(CountOf(coroutines), static all => all.Outcomes<TResult>(), returnsFailures: true)
            .AddAll(coroutines).Begin();

    /// <inheritdoc cref="GatherOutcomes{TResult}(IEnumerable{Coroutine{TResult}})"/>
    public static Future<Outcome<TResult>[]> GatherOutcomes<TResult>(params ReadOnlySpan<Coroutine<TResult>> coroutines) =>
        new GatherFuture<Outcome<TResult>[]>(coroutines.Length, static all => all.Outcomes<TResult>(), returnsFailures: true)
            .AddAll(coroutines).Begin();

    /// <inheritdoc cref="GatherOutcomes{TResult}(IEnumerable{Coroutine{TResult}})"/>
    public static Future<Outcome<TResult>[]> GatherOutcomes<TResult>(IEnumerable<IAwaitable<TResult>> awaitables) =>
        new GatherFuture<Outcome<TResult>[]>(CountOf(awaitables), static all => all.Outcomes<TResult>(), returnsFailures: true)
            .AddAll(awaitables).Begin();

    /// <inheritdoc cref="GatherOutcomes{TResult}(IEnumerable{Coroutine{TResult}})"/>
    public static Future<Outcome<TResult>[]> GatherOutcomes<TResult>(params ReadOnlySpan<IAwaitable<TResult>> awaitables) =>
        new GatherFuture<Outcome<TResult>[]>(awaitables.Length, static all => all.Outcomes<TResult>(), returnsFailures: true)
            .AddAll(awaitables).Begin();

    /// <summary>
    /// Waits until many things have all ended, and returns how each ended, in the order of the arguments. Corresponds to
    /// <c>asyncio.gather(…, return_exceptions=True)</c>.
    /// </summary>
    /// <remarks><inheritdoc cref="GatherOutcomes{TResult}(IEnumerable{Coroutine{TResult}})" path="/remarks/node()"/></remarks>
    /// <exception cref="InvalidOperationException">
    /// No loop runs on this thread, a coroutine has been used, or a future belongs to another loop.
    /// </exception>
    public static Future<Outcome[]> GatherOutcomes(IEnumerable<Coroutine> coroutines) =>
        new GatherFuture<Outcome[]>(CountOf(coroutines), static all => all.Outcomes(), returnsFailures: true)
            .AddAll(coroutines).Begin();

    /// <inheritdoc cref="GatherOutcomes(IEnumerable{Coroutine})"/>
    [OverloadResolutionPriority(1)] // Decides for a call without arguments.
    public static Future<Outcome[]> GatherOutcomes(params ReadOnlySpan<Coroutine> coroutines) =>
        new GatherFuture<Outcome[]>(coroutines.Length, static all => all.Outcomes(), returnsFailures: true)
            .AddAll(coroutines).Begin();

    /// <inheritdoc cref="GatherOutcomes(IEnumerable{Coroutine})"/>
    public static Future<Outcome[]> GatherOutcomes(IEnumerable<IAwaitable> awaitables) =>
        new GatherFuture<Outcome[]>(CountOf(awaitables), static all => all.Outcomes(), returnsFailures: true)
            .AddAll(awaitables).Begin();

    /// <inheritdoc cref="GatherOutcomes(IEnumerable{Coroutine})"/>
    public static Future<Outcome[]> GatherOutcomes(params ReadOnlySpan<IAwaitable> awaitables) =>
        new GatherFuture<Outcome[]>(awaitables.Length, static all => all.Outcomes(), returnsFailures: true)
            .AddAll(awaitables).Begin();
}

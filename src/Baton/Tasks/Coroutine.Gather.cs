using System.Runtime.CompilerServices;

namespace Baton;

public readonly partial struct Coroutine
{
    /// <summary>
    /// Waits for many things at once and returns their results, in the order of the arguments. Coroutines become tasks at once, in that
    /// order. Corresponds to <c>asyncio.gather</c>.
    /// </summary>
    /// <remarks>
    /// <para>The first exception is that of the gather, at once; the others go on. So does a child that is cancelled: the gather then
    /// throws a <see cref="CancelledException"/>, without counting as cancelled. A failure that comes later is not lost (in asyncio it is):
    /// that of a coroutine goes to the loop's exception handler, that of a task or future stays with it. To cancel the others when one
    /// fails, use a task group.</para>
    /// <para>Cancelling the gather, or the task that awaits it, cancels every child; the first that ends as cancelled ends the
    /// gather.</para>
    /// <para>A task or future may stand among the arguments several times. Nothing at all is done at once.</para>
    /// </remarks>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <returns>
    /// A future: awaiting it throws the first exception. It can be awaited any number of times; cancelling it cancels everything in it.
    /// </returns>
    /// <exception cref="InvalidOperationException">
    /// No loop runs on this thread, a coroutine has been used, or a future belongs to another loop.
    /// </exception>
    public static Future<TResult[]> Gather<TResult>(IEnumerable<Coroutine<TResult>> coroutines) =>
        new GatherFuture<TResult[]>(CountOf(coroutines), static all => all.Results<TResult>()).AddAll(coroutines).Begin();

    /// <inheritdoc cref="Gather{TResult}(IEnumerable{Coroutine{TResult}})"/>
    public static Future<TResult[]> Gather<TResult>(params ReadOnlySpan<Coroutine<TResult>> coroutines) =>
        new GatherFuture<TResult[]>(coroutines.Length, static all => all.Results<TResult>()).AddAll(coroutines).Begin();

    /// <inheritdoc cref="Gather{TResult}(IEnumerable{Coroutine{TResult}})"/>
    public static Future<TResult[]> Gather<TResult>(IEnumerable<IAwaitable<TResult>> awaitables) =>
        new GatherFuture<TResult[]>(CountOf(awaitables), static all => all.Results<TResult>()).AddAll(awaitables).Begin();

    /// <inheritdoc cref="Gather{TResult}(IEnumerable{Coroutine{TResult}})"/>
    public static Future<TResult[]> Gather<TResult>(params ReadOnlySpan<IAwaitable<TResult>> awaitables) =>
        new GatherFuture<TResult[]>(awaitables.Length, static all => all.Results<TResult>()).AddAll(awaitables).Begin();

    /// <summary>
    /// Waits for many things at once. Coroutines become tasks at once, in the order of the arguments. Corresponds to <c>asyncio.gather</c>.
    /// </summary>
    /// <remarks><inheritdoc cref="Gather{TResult}(IEnumerable{Coroutine{TResult}})" path="/remarks/node()"/></remarks>
    /// <returns>
    /// A future: awaiting it throws the first exception. It can be awaited any number of times; cancelling it cancels everything in it.
    /// </returns>
    /// <exception cref="InvalidOperationException">
    /// No loop runs on this thread, a coroutine has been used, or a future belongs to another loop.
    /// </exception>
    public static Future Gather(IEnumerable<Coroutine> coroutines) =>
        new GatherFuture<bool>(CountOf(coroutines), static all => true).AddAll(coroutines).Begin();

    /// <inheritdoc cref="Gather(IEnumerable{Coroutine})"/>
    [OverloadResolutionPriority(1)] // Decides for a call without arguments.
    public static Future Gather(params ReadOnlySpan<Coroutine> coroutines) =>
        new GatherFuture<bool>(coroutines.Length, static all => true).AddAll(coroutines).Begin();

    /// <inheritdoc cref="Gather(IEnumerable{Coroutine})"/>
    public static Future Gather(IEnumerable<IAwaitable> awaitables) =>
        new GatherFuture<bool>(CountOf(awaitables), static all => true).AddAll(awaitables).Begin();

    /// <inheritdoc cref="Gather(IEnumerable{Coroutine})"/>
    public static Future Gather(params ReadOnlySpan<IAwaitable> awaitables) =>
        new GatherFuture<bool>(awaitables.Length, static all => true).AddAll(awaitables).Begin();

    /// <summary>How many there are, where that can be told without asking for each; throws where there is no sequence.</summary>
    private static int CountOf<T>(IEnumerable<T> sequence)
    {
        ArgumentNullException.ThrowIfNull(sequence);
        return sequence.TryGetNonEnumeratedCount(out var count) ? count : 0;
    }
}

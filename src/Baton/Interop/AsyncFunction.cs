namespace Baton;

/// <summary>Catches an easy mistake: an <c>async</c> lambda where a function is expected that runs to its end where it is called.</summary>
internal static class AsyncFunction
{
    /// <exception cref="ArgumentException">A function with this result returns before it is done.</exception>
    internal static void Refuse<TResult>(string parameter)
    {
        if (typeof(TResult).IsValueType ? IsAwaitableValue(typeof(TResult)) : typeof(Task).IsAssignableFrom(typeof(TResult)))
        {
            throw new ArgumentException(
                $"The function returns a {typeof(TResult).Name.Split('`')[0]}, so it is asynchronous and returns before it is done. Pass one that runs to its end; await an " +
                "asynchronous one on the loop itself, or from another thread, pass a coroutine to EventLoop.RunCoroutineThreadSafe.",
                parameter);
        }
    }

    private static bool IsAwaitableValue(Type type) => type == typeof(ValueTask) || type == typeof(Coroutine) || IsAwaitableGeneric(type);

    private static bool IsAwaitableGeneric(Type type) =>
        type.IsGenericType
            && type.GetGenericTypeDefinition() is var definition
            && (definition == typeof(ValueTask<>) || definition == typeof(Coroutine<>));
}

using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>
/// A coroutine: the result of calling an <c>async Coroutine</c> method. Lazy: nothing of the method runs until the coroutine is awaited,
/// which runs it within the current task, or made a task. Corresponds to a coroutine object of Python.
/// </summary>
/// <remarks>
/// <para>Await it or make it a task, once; a second time throws <see cref="InvalidOperationException"/>. Awaiting costs no trip through the
/// loop unless the coroutine suspends.</para>
/// <para>Whatever the method awaits, it resumes on its loop's thread, from the ready queue. <c>default</c> is a coroutine that has
/// completed.</para>
/// </remarks>
[AsyncMethodBuilder(typeof(CoroutineMethodBuilder))]
public readonly partial struct Coroutine
{
    internal readonly CoroutineSource? Source;
    internal readonly int Version;

    internal Coroutine(CoroutineSource source, int version)
    {
        Source = source;
        Version = version;
    }

    /// <summary>For <c>await</c>: takes the one right to await this coroutine.</summary>
    /// <exception cref="InvalidOperationException">The coroutine has been awaited or made a task before.</exception>
    public CoroutineAwaiter GetAwaiter()
    {
        Source?.Claim(Version);
        return new CoroutineAwaiter(Source, Version);
    }

    /// <summary>
    /// Gives up a coroutine that nobody will run: for code that was handed one and refuses it. Corresponds to <c>coroutine.close</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The coroutine has been awaited or made a task before.</exception>
    public void Close() => Source?.Close(Version);
}

/// <summary>A coroutine that returns a value. See <see cref="Coroutine"/>.</summary>
/// <typeparam name="TResult">The type of the result.</typeparam>
[AsyncMethodBuilder(typeof(CoroutineMethodBuilder<>))]
public readonly partial struct Coroutine<TResult>
{
    internal readonly CoroutineBox<TResult>? Source;
    internal readonly int Version;

    internal Coroutine(CoroutineBox<TResult> source, int version)
    {
        Source = source;
        Version = version;
    }

    /// <summary>For <c>await</c>: takes the one right to await this coroutine.</summary>
    /// <exception cref="InvalidOperationException">The coroutine has been awaited or made a task before.</exception>
    public CoroutineAwaiter<TResult> GetAwaiter()
    {
        Source?.Claim(Version);
        return new CoroutineAwaiter<TResult>(Source, Version);
    }

    /// <inheritdoc cref="Coroutine.Close"/>
    public void Close() => Source?.Close(Version);
}

/// <summary>Awaits a <see cref="Coroutine"/>. For the compiler.</summary>
public readonly struct CoroutineAwaiter : ICriticalNotifyCompletion, ILoopAwaiter, ICoroutineAwaiter
{
    private readonly CoroutineSource? _source;
    private readonly int _version;

    internal CoroutineAwaiter(CoroutineSource? source, int version)
    {
        _source = source;
        _version = version;
    }

    /// <summary>Starts the coroutine if it has not been started. True when it has ended already.</summary>
    public bool IsCompleted => _source is null || _source.StartOrPoll(_version);

    /// <summary>Ends the await: throws what the coroutine threw.</summary>
    public void GetResult() => _source?.TakeResult(_version);

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) =>
        _source!.SetContinuation(ForeignContinuation.Rent(continuation, ExecutionContext.Capture()), _version);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => _source!.SetContinuation(ForeignContinuation.Rent(continuation, null), _version);

    void ILoopAwaiter.Suspend(CoroutineBox awaiting) => _source!.SetContinuation(awaiting, _version);

    CoroutineSource? ICoroutineAwaiter.Source => _source;
}

/// <summary>Awaits a <see cref="Coroutine{TResult}"/>. For the compiler.</summary>
/// <typeparam name="TResult">The type of the result.</typeparam>
public readonly struct CoroutineAwaiter<TResult> : ICriticalNotifyCompletion, ILoopAwaiter, ICoroutineAwaiter
{
    private readonly CoroutineBox<TResult>? _source;
    private readonly int _version;

    internal CoroutineAwaiter(CoroutineBox<TResult>? source, int version)
    {
        _source = source;
        _version = version;
    }

    /// <summary>Starts the coroutine if it has not been started. True when it has ended already.</summary>
    public bool IsCompleted => _source is null || _source.StartOrPoll(_version);

    /// <summary>Ends the await: the coroutine's result, or throws what it threw.</summary>
    public TResult GetResult() => _source is null ? default! : _source.TakeTypedResult(_version);

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) =>
        _source!.SetContinuation(ForeignContinuation.Rent(continuation, ExecutionContext.Capture()), _version);

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => _source!.SetContinuation(ForeignContinuation.Rent(continuation, null), _version);

    void ILoopAwaiter.Suspend(CoroutineBox awaiting) => _source!.SetContinuation(awaiting, _version);

    CoroutineSource? ICoroutineAwaiter.Source => _source;
}

using System.ComponentModel;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Baton;

// The contract that the compiler knows: Create, Start, Task, SetResult, SetException, AwaitOnCompleted, AwaitUnsafeOnCompleted,
// SetStateMachine.
//
// A coroutine is lazy: Start only moves the state machine into its box. The box is stored in the builder before the state machine is
// copied, because the builder is a field of the state machine and the copy must know its box.

/// <summary>Builds <c>async Coroutine</c> methods. For the compiler.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
[DebuggerNonUserCode]
public struct CoroutineMethodBuilder
{
    private CoroutineBox<VoidResult> _box;

    /// <summary>The coroutine of this method call.</summary>
    public readonly Coroutine Task => new(_box, _box.Version);

    /// <summary>Creates a builder.</summary>
    public static CoroutineMethodBuilder Create() => default;

    /// <summary>Moves the state machine to the heap. Nothing of the method runs yet.</summary>
    public void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        var box = CoroutineBox<TStateMachine, VoidResult>.Rent();
        _box = box;
        box.SetStateMachine(ref stateMachine);
    }

    /// <summary>The method returned.</summary>
    public readonly void SetResult() => _box.SetResult(default);

    /// <summary>The method threw.</summary>
    public readonly void SetException(Exception exception) => _box.SetException(exception);

    /// <summary>The method awaits.</summary>
    public readonly void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => _box.AwaitOnCompleted(ref awaiter);

    /// <summary>The method awaits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => _box.AwaitUnsafeOnCompleted(ref awaiter);

    /// <summary>Does nothing: the box has the state machine since <see cref="Start"/>.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "The compiler's contract.")]
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }
}

/// <summary>Builds <c>async Coroutine&lt;TResult&gt;</c> methods. For the compiler.</summary>
/// <typeparam name="TResult">The type of the result.</typeparam>
[EditorBrowsable(EditorBrowsableState.Never)]
[DebuggerNonUserCode]
public struct CoroutineMethodBuilder<TResult>
{
    private CoroutineBox<TResult> _box;

    /// <summary>The coroutine of this method call.</summary>
    public readonly Coroutine<TResult> Task => new(_box, _box.Version);

    /// <summary>Creates a builder.</summary>
    public static CoroutineMethodBuilder<TResult> Create() => default;

    /// <summary>Moves the state machine to the heap. Nothing of the method runs yet.</summary>
    public void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        var box = CoroutineBox<TStateMachine, TResult>.Rent();
        _box = box;
        box.SetStateMachine(ref stateMachine);
    }

    /// <summary>The method returned.</summary>
    public readonly void SetResult(TResult result) => _box.SetResult(result);

    /// <summary>The method threw.</summary>
    public readonly void SetException(Exception exception) => _box.SetException(exception);

    /// <summary>The method awaits.</summary>
    public readonly void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => _box.AwaitOnCompleted(ref awaiter);

    /// <summary>The method awaits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => _box.AwaitUnsafeOnCompleted(ref awaiter);

    /// <summary>Does nothing: the box has the state machine since <see cref="Start"/>.</summary>
    [SuppressMessage("Performance", "CA1822", Justification = "The compiler's contract.")]
    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }
}

namespace Baton;

/// <summary>An awaiter of a coroutine: leads from a state machine to the coroutine that it awaits, for call graphs.</summary>
internal interface ICoroutineAwaiter
{
    CoroutineSource? Source { get; }
}

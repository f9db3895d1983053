using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>
/// Looks into the compiler's state machines: where one stands, and what it awaits. Only for reports. Where the program was trimmed the
/// fields may have no names left: then a report has no lines, and what is not Baton's stays unknown.
/// </summary>
internal static class StateMachines
{
    private const string Trimmed = "Without the metadata of the field or method, a report only says less.";

    /// <summary>The place at which a coroutine that has been suspended stands; its first line before it has started.</summary>
    internal static CodeLocation Locate(CoroutineBox box)
    {
        var machine = box.GetStateMachine();
        var type = machine.GetType();
        var name = MethodNames.OfStateMachine(type);
        if (FindMoveNext(type) is not { } moveNext)
        {
            return new CodeLocation(name, null, 0);
        }

        if (type.Assembly == typeof(StateMachines).Assembly)
        {
            return new CodeLocation(name, null, 0); // Where Baton's own code stands is of no use to others, and changes.
        }

        var state = box.Status == CoroutineStatus.Started ? ReadState(type, machine) : -1;
        var place = state >= 0 ? DebugSymbols.FindAwait(moveNext, state) : DebugSymbols.FindStart(moveNext);
        return new CodeLocation(name, place?.File, place?.Line ?? 0);
    }

    /// <summary>Whether a coroutine is one that the loop wraps around those that it is given.</summary>
    internal static bool IsWrapper(Type stateMachine) => stateMachine.DeclaringType == typeof(EventLoop);

    /// <summary>The state machine of a box that may be over: a box is of a generic type, of which it is the first argument.</summary>
    internal static Type? TypeOf(Type box) => box.GenericTypeArguments is [var machine, ..] ? machine : null;

    internal static string NameOf(Type box) => TypeOf(box) is { } machine ? MethodNames.OfStateMachine(machine) : "Coroutine.Sleep";

    /// <summary>What a suspended coroutine awaits: the awaiter that it keeps meanwhile. Null where it cannot be seen.</summary>
    internal static object? FindAwaiter(CoroutineBox box)
    {
        var machine = box.GetStateMachine();
        object? empty = null;
        foreach (var field in FieldsOf(machine.GetType()))
        {
            if (!field.Name.StartsWith("<>u__", StringComparison.Ordinal) || field.GetValue(machine) is not { } awaiter)
            {
                continue;
            }

            // The compiler clears an awaiter's field when the await is over, so that at most one holds anything.
            if (awaiter is System.Runtime.CompilerServices.YieldAwaitable.YieldAwaiter)
            {
                empty = awaiter;
            }
            else if (!IsDefault(awaiter))
            {
                return awaiter;
            }
        }

        return empty;
    }

    /// <summary>Names what an awaiter waits for.</summary>
    internal static string Describe(object? awaiter)
    {
        if (awaiter is null)
        {
            return "something that cannot be seen";
        }

        var type = awaiter.GetType();
        var awaitable = type.IsNested ? type.DeclaringType! : type;
        var name = awaitable.Name;
        var arity = name.IndexOf('`', StringComparison.Ordinal);
        name = arity < 0 ? name : name[..arity];
        return name switch
        {
            nameof(YieldAwaiter) => "its turn (Coroutine.Yield)",
            nameof(System.Runtime.CompilerServices.YieldAwaitable) => "its turn (Task.Yield)",
            nameof(TaskAwaiter) or nameof(ConfiguredTaskAwaitable) => "a Task of the BCL",
            nameof(ValueTaskAwaiter) or nameof(ConfiguredValueTaskAwaitable) => "a ValueTask",
            _ => MethodNames.TypeName(awaitable),
        };
    }

    [UnconditionalSuppressMessage("Trimming", "IL2072", Justification = "A struct whose bits are all zero is made without a constructor.")]
    private static bool IsDefault(object awaiter)
    {
        try
        {
            return awaiter is ValueType && awaiter.Equals(RuntimeHelpers.GetUninitializedObject(awaiter.GetType()));
        }
        catch (Exception)
        {
            return false; // Somebody's Equals that cannot cope: then there is something in it.
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = Trimmed)]
    internal static MethodBase? FindMoveNext(Type stateMachine) =>
        stateMachine.GetMethod("MoveNext", BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = Trimmed)]
    private static int ReadState(Type type, object machine) => type.GetField("<>1__state")?.GetValue(machine) is int state ? state : -1;

    [UnconditionalSuppressMessage("Trimming", "IL2070", Justification = Trimmed)]
    private static FieldInfo[] FieldsOf(Type type) => type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
}

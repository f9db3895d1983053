using System.Reflection;
using System.Text;

namespace Baton;

/// <summary>
/// The names of methods as their authors know them. The compiler hides lambdas, local functions and the bodies of async methods in types
/// and methods of its own, whose names hold the original's between angle brackets.
/// </summary>
internal static class MethodNames
{
    private const string Lambda = "lambda";

    internal static string Of(Delegate callback) => Of(callback.Method);

    internal static string Of(MethodBase method)
    {
        // The body of an async method or iterator: the type is named after the method.
        if (method.DeclaringType is { } type)
        {
            return method.Name == "MoveNext" && type.Name.StartsWith('<')
                ? OfStateMachine(type)
                : Join(type, method.Name);
        }

        return Readable(method.Name);
    }

    /// <summary>
    /// Whether a method is one that the compiler adds to a state machine beside the body, such as the <c>MoveNextAsync</c> of an async
    /// iterator.
    /// </summary>
    internal static bool IsStub(MethodBase method) => method.Name != "MoveNext" && method.DeclaringType is { } type && EndOfName(type) > 0;

    /// <summary>The name of the async method whose state machine a type is.</summary>
    internal static string OfStateMachine(Type stateMachine) => EndOfName(stateMachine) is var end && end > 0
        ? Join(stateMachine.DeclaringType!, stateMachine.Name[1..end])
        : TypeName(stateMachine);

    /// <summary>Where the name of the method ends in that of its state machine; not above zero where a type is none.</summary>
    private static int EndOfName(Type type) =>
        type.Name[0] == '<' && type.DeclaringType is not null ? type.Name.LastIndexOf(">d", StringComparison.Ordinal) : -1;

    /// <summary>As <see cref="Of(MethodBase)"/>, from names alone: where the program was trimmed there may be no more.</summary>
    internal static string Of(string? declaringType, string method)
    {
        if (string.IsNullOrEmpty(declaringType))
        {
            return Readable(method);
        }

        var parts = declaringType.Split('+');
        var last = parts[^1];
        var end = last.LastIndexOf(">d", StringComparison.Ordinal);
        if (method == "MoveNext" && end > 0 && last[0] == '<')
        {
            parts = parts[..^1];
            method = last[1..end];
        }

        var name = new StringBuilder();
        foreach (var part in parts)
        {
            AppendType(name, part);
        }

        return name.Append(Readable(method)).ToString();
    }

    internal static string TypeName(Type type)
    {
        var name = new StringBuilder();
        AppendTypes(name, type);
        return name.ToString().TrimEnd('.');
    }

    private static string Join(Type type, string method)
    {
        var name = new StringBuilder();
        AppendTypes(name, type);
        return name.Append(Readable(method)).ToString();
    }

    private static void AppendTypes(StringBuilder name, Type type)
    {
        if (type.DeclaringType is { } outer)
        {
            AppendTypes(name, outer);
        }
        else if (type.Namespace is { Length: > 0 } space)
        {
            name.Append(space).Append('.');
        }

        AppendType(name, type.Name);
    }

    private static void AppendType(StringBuilder name, string type)
    {
        if (type.Contains('<', StringComparison.Ordinal))
        {
            return; // A closure: not a type that anybody wrote.
        }

        var arity = type.IndexOf('`', StringComparison.Ordinal);
        name.Append(arity < 0 ? type : type[..arity]).Append('.');
    }

    /// <summary><c>&lt;Main&gt;b__0_1</c> is a lambda in Main, <c>&lt;Main&gt;g__Fetch|0_1</c> the local function Fetch.</summary>
    private static string Readable(string method)
    {
        if (!method.StartsWith('<') || method.LastIndexOf('>') is var end && end < 0)
        {
            return method;
        }

        var outer = method[1..end].Replace("<", "", StringComparison.Ordinal).Replace(">", "", StringComparison.Ordinal);
        outer = outer == "Main$" ? "Main" : outer;
        var rest = method[(end + 1)..];
        if (rest.StartsWith("g__", StringComparison.Ordinal))
        {
            var bar = rest.IndexOf('|', StringComparison.Ordinal);
            return $"{outer}.{(bar < 0 ? rest[3..] : rest[3..bar])}";
        }

        return rest.StartsWith("b__", StringComparison.Ordinal) ? $"{outer}.{Lambda}" : outer;
    }
}

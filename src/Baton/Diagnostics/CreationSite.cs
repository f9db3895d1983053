using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>
/// The methods that were running when something was made, in debug mode: Baton's own left out, and at most <see cref="EventLoopOptions.DebugStackDepth"/> of
/// them. Corresponds to the <c>source_traceback</c> of asyncio.
/// </summary>
public sealed class CreationSite
{
    private static readonly Assembly s_baton = typeof(CreationSite).Assembly;

    private readonly (MethodBase? Method, string Name, int Offset)[] _frames;
    private CodeLocation[]? _locations;

    private CreationSite((MethodBase? Method, string Name, int Offset)[] frames) => _frames = frames;

    /// <summary>The methods, the innermost first. Their lines are looked up when this is first read.</summary>
    public IReadOnlyList<CodeLocation> Frames => _locations ??= Array.ConvertAll(_frames, Locate);

    /// <summary>Where the innermost method stands.</summary>
    public CodeLocation? Innermost => Frames.Count == 0 ? null : Frames[0];

    /// <summary>One line for each method, like a stack trace.</summary>
    public override string ToString() => string.Join('\n', Frames.Select(frame => $"   at {frame}"));

    /// <summary>The stack of now.</summary>
    internal static CreationSite Capture(int depth) => Capture(depth, static (_, _) => true);

    /// <summary>The stack of now, from the first frame that is wanted. The predicate gets the method, where it is known, and whether it is the BCL's.</summary>
    internal static CreationSite Capture(int depth, Func<MethodBase?, bool, bool> isWanted)
    {
        var frames = new List<(MethodBase?, string, int)>(depth);
        foreach (var frame in new StackTrace(1, fNeedFileInfo: false).GetFrames())
        {
            if (frames.Count == depth)
            {
                break;
            }

            var method = MethodOf(frame);
            if (IsPlumbing(method))
            {
                if (IsLoop(method))
                {
                    break; // Below it stands who runs the loop, for everything the same.
                }

                continue;
            }

            if (frames.Count > 0 || isWanted(method, IsOfRuntime(method)))
            {
                frames.Add((method, method is null ? NameOf(frame) : MethodNames.Of(method), frame.GetILOffset()));
            }
        }

        return new CreationSite([.. frames]);
    }

    /// <summary>Whether the innermost frames are the same.</summary>
    internal (string Method, int Offset) Key => _frames.Length == 0 ? ("", 0) : (_frames[0].Name, _frames[0].Offset);

    internal static bool IsOfRuntime(MethodBase? method) => method?.Module == typeof(object).Module;

    /// <summary>
    /// Whether a frame tells nothing: it is of Baton's, or the stub of an async method, whose body is another method, or what the BCL puts in between.
    /// </summary>
    internal static bool IsPlumbing(MethodBase? method) =>
        method is not null
        && (method.DeclaringType?.Assembly == s_baton
            || method.IsDefined(typeof(AsyncStateMachineAttribute), inherit: false)
            || (method.Name is "RunInternal" or "Start" && IsOfRuntime(method)));

    private static bool IsLoop(MethodBase? method) => method?.DeclaringType == typeof(EventLoop) && method.Name is "RunBatch" or "RunItem" or "RunBeforePoll";

    private static CodeLocation Locate((MethodBase? Method, string Name, int Offset) frame)
    {
        var place = frame.Method is null ? null : DebugSymbols.FindInstruction(frame.Method, frame.Offset);
        return new CodeLocation(frame.Name, place?.File, place?.Line ?? 0);
    }

    private static string NameOf(StackFrame frame) =>
        DiagnosticMethodInfo.Create(frame) is { } method ? MethodNames.Of(method.DeclaringTypeName, method.Name) : "a method without a name";

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Where the method was trimmed away, the name that is left is enough.")]
    private static MethodBase? MethodOf(StackFrame frame) => frame.GetMethod();
}

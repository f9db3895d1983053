using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>
/// The methods that were running when something was made, in debug mode: Baton's own left out, and at most
/// <see cref="EventLoopOptions.DebugStackDepth"/> of them. Corresponds to the <c>source_traceback</c> of asyncio.
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

    /// <summary>Names the innermost place, to tell whether two are the same.</summary>
    internal (string Method, int Offset) Key => _frames.Length == 0 ? ("", 0) : (_frames[0].Name, _frames[0].Offset);

    /// <summary>The stack of now.</summary>
    internal static CreationSite Capture(int depth) => Capture(depth, static _ => true)!;

    /// <summary>The stack of now; null where a predicate refuses a method that stands further in than all that are kept.</summary>
    internal static CreationSite? Capture(int depth, Func<MethodBase, bool> isAcceptable)
    {
        var frames = new List<(MethodBase?, string, int)>(depth);
        foreach (var frame in new StackTrace(1, fNeedFileInfo: false).GetFrames())
        {
            if (frames.Count == depth)
            {
                break;
            }

            var method = MethodOf(frame);
            if (method is null)
            {
                frames.Add((null, NameOf(frame), 0));
                continue;
            }

            if (frames.Count == 0 && !isAcceptable(method))
            {
                return null;
            }

            if (IsLoop(method))
            {
                break; // Below it stands who runs the loop, for everything the same.
            }

            if (!IsPlumbing(method))
            {
                frames.Add((method, MethodNames.Of(method), frame.GetILOffset()));
            }
        }

        return new CreationSite([.. frames]);
    }

    /// <summary>
    /// Whether a frame tells nothing: it is Baton's or the BCL's core, or the stub of an async method or iterator, whose body is another
    /// method.
    /// </summary>
    internal static bool IsPlumbing(MethodBase method) =>
        method.DeclaringType?.Assembly is { } assembly && (assembly == s_baton || assembly == typeof(object).Assembly)
        || method.IsDefined(typeof(AsyncStateMachineAttribute), inherit: false)
        || MethodNames.IsStub(method);

    /// <summary>
    /// Whether a frame is the loop's: what stands further in belongs to the item that runs. None of these methods is ever inlined.
    /// </summary>
    internal static bool IsLoop(MethodBase method) =>
        method.DeclaringType == typeof(EventLoop) && method.Name is "RunBatch" or "RunItem" or "RunBeforePoll";

    private static CodeLocation Locate((MethodBase? Method, string Name, int Offset) frame)
    {
        var place = frame.Method is null ? null : DebugSymbols.FindInstruction(frame.Method, frame.Offset);
        return new CodeLocation(frame.Name, place?.File, place?.Line ?? 0);
    }

    private static string NameOf(StackFrame frame) =>
        DiagnosticMethodInfo.Create(frame) is { } method
            ? MethodNames.Of(method.DeclaringTypeName, method.Name)
            : "a method without a name";

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Where the method was trimmed away, the name that is left is enough.")]
    private static MethodBase? MethodOf(StackFrame frame) => frame.GetMethod();
}

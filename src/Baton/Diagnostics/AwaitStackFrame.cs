namespace Baton;

/// <summary>One coroutine, or other method, in an <see cref="AwaitStack"/>.</summary>
public sealed class AwaitStackFrame
{
    internal AwaitStackFrame(CodeLocation location, bool isPlainCode = false)
    {
        Location = location;
        IsPlainCode = isPlainCode;
    }

    /// <summary>The method, and the line at which it stands.</summary>
    public CodeLocation Location { get; }

    /// <summary>The method as its author knows it. See <see cref="CodeLocation.Method"/>.</summary>
    public string Method => Location.Method;

    /// <summary>The source file; null where it is not known.</summary>
    public string? File => Location.File;

    /// <summary>The line of the <c>await</c> at which the coroutine is suspended, or of the call; 0 where it is not known.</summary>
    public int Line => Location.Line;

    /// <summary>
    /// Whether this stands for methods that are not coroutines, such as plain <c>async Task</c> ones: Baton cannot see them.
    /// </summary>
    public bool IsPlainCode { get; }

    internal static AwaitStackFrame PlainCode { get; } = new(new CodeLocation("plain async code", null, 0), isPlainCode: true);

    /// <summary>Such as <c>App.Downloader.Fetch, Downloader.cs:12</c>.</summary>
    public override string ToString() => IsPlainCode ? $"({Method})" : Location.ToString();
}

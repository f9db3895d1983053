namespace Baton.Tests;

// Pipes and terminals.
public sealed partial class ScriptedCalls
{
    /// <summary>Called with the descriptor and the length.</summary>
    public Func<int, int, int?>? OnRead { get; set; }

    /// <inheritdoc cref="OnRead"/>
    public Func<int, int, int?>? OnWrite { get; set; }

    public override int Read(int descriptor, Span<byte> buffer) => OnRead?.Invoke(descriptor, buffer.Length) switch
    {
        null => base.Read(descriptor, buffer),
        < 0 and var error => error,
        { } most => base.Read(descriptor, buffer[..Math.Min(most, buffer.Length)]),
    };

    public override int Write(int descriptor, ReadOnlySpan<byte> buffer) => OnWrite?.Invoke(descriptor, buffer.Length) switch
    {
        null => base.Write(descriptor, buffer),
        < 0 and var error => error,
        { } most => base.Write(descriptor, buffer[..Math.Min(most, buffer.Length)]),
    };

    /// <summary>Called with the descriptor; only errors count.</summary>
    public Func<int, int?>? OnReopen { get; set; }

    public override int Reopen(int descriptor, int access) => OnReopen?.Invoke(descriptor) ?? Opened(base.Reopen(descriptor, access));
}

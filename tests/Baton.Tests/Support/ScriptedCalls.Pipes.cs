namespace Baton.Tests;

// Pipes and terminals.
public sealed partial class ScriptedCalls
{
    /// <summary>Called with the descriptor and the length.</summary>
    public Func<int, int, int?>? OnRead { get; set; }

    /// <inheritdoc cref="OnRead"/>
    public Func<int, int, int?>? OnWrite { get; set; }

    /// <summary>Called when the driver takes a descriptor over.</summary>
    public Func<int?>? OnSetCloseOnExec { get; set; }

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

    /// <summary>The driver takes a descriptor that others have made over: from now on it is the driver's to close.</summary>
    public override int SetCloseOnExec(int descriptor) =>
        OnSetCloseOnExec?.Invoke() ?? Opened(base.SetCloseOnExec(descriptor), descriptor);

    private int Opened(int result, int descriptor) => Opened(result < 0 ? result : descriptor);
}

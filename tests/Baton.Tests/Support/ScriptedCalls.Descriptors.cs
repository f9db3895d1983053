namespace Baton.Tests;

public sealed partial class ScriptedCalls
{
    /// <summary>Called with the descriptor and the length; of a positive result the most bytes that are sent.</summary>
    public Func<int, int, int?>? OnSendDescriptors { get; set; }

    /// <summary>Called with the descriptor; only errors count.</summary>
    public Func<int, int?>? OnReceiveDescriptors { get; set; }

    public override int SendDescriptors(int descriptor, ReadOnlySpan<byte> buffer, ReadOnlySpan<int> descriptors) =>
        OnSendDescriptors?.Invoke(descriptor, buffer.Length) switch
        {
            null => base.SendDescriptors(descriptor, buffer, descriptors),
            < 0 and var error => error,
            { } most => base.SendDescriptors(descriptor, buffer[..Math.Min(most, buffer.Length)], descriptors),
        };

    public override int ReceiveDescriptors(int descriptor, Span<byte> buffer, Span<int> descriptors, out IoMessage message)
    {
        message = default;
        return OnReceiveDescriptors?.Invoke(descriptor) ?? base.ReceiveDescriptors(descriptor, buffer, descriptors, out message);
    }
}

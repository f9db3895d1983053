namespace Baton.Tests;

public sealed partial class ScriptedCalls
{
    /// <summary>Called with the descriptor and the length; only errors count.</summary>
    public Func<int, int, int?>? OnReceiveFrom { get; set; }

    /// <inheritdoc cref="OnReceiveFrom"/>
    public Func<int, int, int?>? OnSendTo { get; set; }

    /// <summary>Called with the descriptor and the number of datagrams; a positive result is the most that are received.</summary>
    public Func<int, int, int?>? OnReceiveMessages { get; set; }

    /// <inheritdoc cref="OnReceiveMessages"/>
    public Func<int, int, int?>? OnSendMessages { get; set; }

    public override int ReceiveFrom(int descriptor, Span<byte> buffer, bool wholeLength, Span<byte> address, out int addressLength)
    {
        addressLength = 0;
        return OnReceiveFrom?.Invoke(descriptor, buffer.Length)
            ?? base.ReceiveFrom(descriptor, buffer, wholeLength, address, out addressLength);
    }

    public override int SendTo(int descriptor, ReadOnlySpan<byte> buffer, ReadOnlySpan<byte> address) =>
        OnSendTo?.Invoke(descriptor, buffer.Length) ?? base.SendTo(descriptor, buffer, address);

    public override int ReceiveMessages(int descriptor, nint messages, int count) => OnReceiveMessages?.Invoke(descriptor, count) switch
    {
        null => base.ReceiveMessages(descriptor, messages, count),
        < 0 and var error => error,
        { } most => base.ReceiveMessages(descriptor, messages, Math.Min(most, count)),
    };

    public override int SendMessages(int descriptor, nint messages, int count) => OnSendMessages?.Invoke(descriptor, count) switch
    {
        null => base.SendMessages(descriptor, messages, count),
        < 0 and var error => error,
        { } most => base.SendMessages(descriptor, messages, Math.Min(most, count)),
    };
}

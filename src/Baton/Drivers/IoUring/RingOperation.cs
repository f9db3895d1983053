namespace Baton.Drivers;

/// <summary>What an entry asks for: IORING_OP_*.</summary>
internal enum RingOperation : byte
{
    PollAdd = 6,
    AsyncCancel = 14,
    Receive = 27,
}

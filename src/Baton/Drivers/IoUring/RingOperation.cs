namespace Baton.Drivers;

/// <summary>What an entry asks for: IORING_OP_*.</summary>
internal enum RingOperation : byte
{
    Nothing = 0,
    Flush = 3,
    PollAdd = 6,
    AsyncCancel = 14,
    Status = 21,
    Read = 22,
    Write = 23,
    Receive = 27,
    Rename = 35,
    Delete = 36,
    SetLength = 55,
}

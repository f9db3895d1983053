namespace Baton.Drivers;

/// <summary>How a ring is to be: IORING_SETUP_*.</summary>
[Flags]
internal enum RingSetup : uint
{
    None = 0,
    CompletionSize = 1 << 3,
    Clamp = 1 << 4,
    Disabled = 1 << 6,
    SubmitAll = 1 << 7,
    CooperativeTaskRun = 1 << 8,
    TaskRunFlag = 1 << 9,
    SingleIssuer = 1 << 12,
    DeferTaskRun = 1 << 13,
    NoSubmissionArray = 1 << 16,
}

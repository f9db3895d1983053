namespace Baton.Drivers;

/// <summary>What the kernel can do: IORING_FEAT_*.</summary>
[Flags]
internal enum RingFeatures : uint
{
    None = 0,
    SingleMap = 1 << 0,
    NoDrop = 1 << 1,
    ExtendedArgument = 1 << 8,
    ResourceTags = 1 << 10,
    SkipCompletion = 1 << 11,
}

namespace Fetch;

/// <summary>How one page ended.</summary>
/// <param name="Address">The page.</param>
/// <param name="Status">The HTTP status; 0 where no answer came.</param>
/// <param name="Bytes">The length of the body, as far as it arrived.</param>
/// <param name="Nanoseconds">From the request to the last byte, or to the failure.</param>
/// <param name="Failure">Why it failed; null where it did not.</param>
internal sealed record PageResult(PageAddress Address, int Status, long Bytes, long Nanoseconds, PageFailure? Failure);

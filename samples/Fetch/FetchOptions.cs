namespace Fetch;

/// <summary>What the command line asks for.</summary>
/// <param name="Addresses">The pages to fetch; null for those of the embedded server.</param>
/// <param name="PageCount">How many pages to fetch from the embedded server.</param>
/// <param name="Concurrency">How many pages to fetch at a time.</param>
/// <param name="Timeout">How long a page may take.</param>
internal sealed record FetchOptions(IReadOnlyList<PageAddress>? Addresses, int PageCount, int Concurrency, TimeSpan Timeout);

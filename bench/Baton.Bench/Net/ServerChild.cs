namespace Baton.Bench.Net;

/// <summary>
/// What every server that is a child of the harness owes it: to say where it listens, and to end when the harness ends.
/// </summary>
internal static class ServerChild
{
    public const string ListeningPrefix = "listening ";

    public static void Announce(int port)
    {
        Console.WriteLine(ListeningPrefix + port);

        // Blocked in a read for the whole run, this thread costs nothing. The end of the input is the order to leave, and it arrives
        // even if the harness was killed.
        new Thread(WaitForEndOfInput) { IsBackground = true, Name = "end of input" }.Start();
    }

    private static void WaitForEndOfInput()
    {
        using var input = Console.OpenStandardInput();
        Span<byte> ignored = stackalloc byte[64];
        while (input.Read(ignored) > 0)
        {
        }
        Environment.Exit(0);
    }
}

using System.Text.RegularExpressions;
using Baton;

namespace DocsSnippets;

/// <summary>
/// Prints the messages of exceptions that pages quote, with what changes from run to run replaced: threads, ports and descriptors.
/// </summary>
internal static partial class ErrorMessages
{
    internal static void Print(Action action)
    {
        try
        {
            action();
            Console.WriteLine("Nothing was thrown.");
        }
        catch (Exception exception)
        {
            Print(exception);
        }
    }

    internal static async Coroutine PrintAsync(Func<Coroutine> action)
    {
        try
        {
            await action();
            Console.WriteLine("Nothing was thrown.");
        }
        catch (Exception exception)
        {
            Print(exception);
        }
    }

    internal static void Print(Exception exception) => Console.WriteLine(Stable(exception.Message));

    /// <summary>A text without what changes from run to run.</summary>
    internal static string Stable(string text) => Changing().Replace(text, "$1N");

    [GeneratedRegex(@"(thread |127\.0\.0\.1:|socket )\d+")]
    private static partial Regex Changing();
}

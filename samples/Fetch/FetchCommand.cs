using System.CommandLine;
using System.Globalization;
using System.Numerics;
using Baton;

namespace Fetch;

/// <summary>The command line: declares the options, checks them, and runs the job on an event loop.</summary>
internal static class FetchCommand
{
    private static readonly Argument<string[]> Urls = new("URL")
    {
        Description = "Addresses to fetch. Without any, and without --file, pages of an embedded server are fetched.",
        Arity = ArgumentArity.ZeroOrMore,
    };

    private static readonly Option<FileInfo?> File = new("--file")
    {
        Description = "A file of addresses, one a line. Blank lines and lines that start with # do not count.",
        HelpName = "PATH",
    };

    private static readonly Option<int> Concurrency = NumberOption(
        "--concurrency", "N", "How many pages to fetch at a time.", 200, 1, 10_000);

    private static readonly Option<double> Timeout = NumberOption("--timeout", "S", "How many seconds a page may take.", 30, 0.001, 86_400);

    private static readonly Option<int> Pages = NumberOption(
        "--pages", "N", "How many pages to fetch from the embedded server.", 2000, 1, 1_000_000);

    public static RootCommand Create()
    {
        var command = new RootCommand("Fetches many web pages at once, on one event loop and one thread.")
        {
            Urls,
            File,
            Concurrency,
            Timeout,
            Pages,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(Urls)?.FirstOrDefault(text => text.StartsWith('-')) is { } unknown)
            {
                result.AddError($"There is no option '{unknown}'.");
            }

            if (result.GetResult(Pages) is { Implicit: false }
                && (result.GetValue(File) is not null || result.GetValue(Urls) is { Length: > 0 }))
            {
                result.AddError("--pages is for the embedded server: it cannot be combined with addresses.");
            }
        });
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult line)
    {
        try
        {
            // The file is read before the loop runs: reading one blocks, and on a loop it would hold everybody up.
            var options = ReadOptions(line);
            return EventLoop.Run(() => FetchJob.RunAsync(options));
        }
        catch (InterruptedException interrupted)
        {
            return interrupted.ExitCode;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Console.Error.WriteLine(exception.Message);
            return 1;
        }
    }

    private static FetchOptions ReadOptions(ParseResult line)
    {
        List<PageAddress> addresses = [.. line.GetRequiredValue(Urls).Select(text => PageAddress.Parse(text))];
        var file = line.GetValue(File);
        if (file is not null)
        {
            addresses.AddRange(PageAddress.ReadFile(file.ToString()));
            if (addresses.Count == 0)
            {
                throw new IOException($"There is no address in {file}.");
            }
        }

        return new FetchOptions(
            addresses.Count == 0 ? null : addresses,
            line.GetValue(Pages),
            line.GetValue(Concurrency),
            TimeSpan.FromSeconds(line.GetValue(Timeout)));
    }

    private static Option<T> NumberOption<T>(string name, string helpName, string description, T value, T least, T most)
        where T : struct, INumber<T>
    {
        return new Option<T>(name)
        {
            Description = description,
            HelpName = helpName,
            DefaultValueFactory = _ => value,
            CustomParser = result =>
            {
                var text = result.Tokens[0].Value;
                if (!T.TryParse(text, CultureInfo.InvariantCulture, out var number) || !(number >= least && number <= most))
                {
                    result.AddError($"{name} must be a number from {least} to {most:N0}, not '{text}'.");
                }

                return number;
            },
        };
    }
}

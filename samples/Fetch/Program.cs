using Fetch;

// Fetches many web pages at once on one event loop. Everything that this program does runs on the thread that calls Main.
return FetchCommand.Create().Parse(args).Invoke();

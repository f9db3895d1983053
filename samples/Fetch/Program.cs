Console.WriteLine("Fetch: not written yet.");

Console.WriteLine("Echo: not written yet.");

using System.CommandLine;

var root = new RootCommand("Measures Baton. No benchmark is written yet.");
return root.Parse(args).Invoke();

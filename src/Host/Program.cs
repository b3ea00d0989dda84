using EveStorage.Host.Cli;
using EveStorage.Host.Worker;

// A worker is the hot start of this program, and must not know of more than it needs.
return args is ["worker", .. string[] plugins]
    ? await WorkerProgram.RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput(), plugins)
    : await CommandLine.RunAsync(args);

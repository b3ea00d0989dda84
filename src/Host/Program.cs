using EveStorage.Host.Cli;
using EveStorage.Host.Worker;

// A worker is the hot start of this program, and must not know of more than it needs.
return args is ["worker"]
    ? await WorkerProgram.RunAsync(Console.OpenStandardInput(), Console.OpenStandardOutput())
    : await CommandLine.RunAsync(args);

namespace EveStorage.Host.Worker;

/// <summary>What a worker is started as.</summary>
internal static class WorkerStart
{
    // The worker is this program, whoever hosts this assembly: the tests do, too.
    internal static (string Path, string[] Arguments) Program()
    {
        string assembly = typeof(WorkerProcess).Assembly.Location;
        string executable = Path.ChangeExtension(assembly, null);
        return File.Exists(executable) ? (executable, ["worker"]) : (System.Environment.ProcessPath!, [assembly, "worker"]);
    }

    internal static Dictionary<string, string> Environment()
    {
        Dictionary<string, string> environment = new()
        {
            ["LC_ALL"] = "C",
            ["PATH"] = "/usr/bin:/bin",
            ["DOTNET_GCHeapHardLimit"] = $"0x{WorkerJail.MemoryLimit.Bytes / 4:x}",
            ["DOTNET_gcConcurrent"] = "0",
            ["DOTNET_GCgen0size"] = "0x400000",   // what is short-lived here is small, and else takes as much as a processor's cache
            ["DOTNET_EnableDiagnostics"] = "0",
            ["DOTNET_SYSTEM_GLOBALIZATION_INVARIANT"] = "1",   // or it would look for ICU when it is jailed
        };
        foreach (string kept in (string[])["DOTNET_ROOT", "HOME"])
        {
            if (System.Environment.GetEnvironmentVariable(kept) is string value)
            {
                environment.Add(kept, value);
            }
        }

        return environment;
    }
}

namespace EveStorage.Luks;

/// <summary>What the running kernel has, loaded or not. Looking loads nothing.</summary>
internal static class KernelModules
{
    /// <summary>Whether a module is loaded, built in, or on disk to be loaded.</summary>
    internal static bool Has(string name)
    {
        string modules = $"/lib/modules/{File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}";
        return Directory.Exists($"/sys/module/{name.Replace('-', '_')}")
            || Lists(Path.Combine(modules, "modules.builtin"), name) || Lists(Path.Combine(modules, "modules.dep"), name);
    }

    private static bool Lists(string list, string name)
        => File.Exists(list) && File.ReadLines(list).Any(line => Path.GetFileName(line.Split(':')[0]).Split(".ko")[0].Replace('_', '-') == name);
}

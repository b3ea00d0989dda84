namespace EveStorage.Lvm;

/// <summary>What the kernel has, or can load. Nothing is loaded here: device-mapper asks for its targets by itself.</summary>
internal static class KernelModules
{
    private static readonly string[] s_lists = ["modules.dep", "modules.builtin"];

    /// <summary>Those of <paramref name="modules"/> that are neither there nor loadable, each as a fact to read.</summary>
    internal static IEnumerable<string> Missing(IEnumerable<string> modules)
        => modules.Where(module => !Directory.Exists($"/sys/module/{module}") && !IsLoadable(module))
            .Select(module => $"the kernel has no module {module.Replace('_', '-')}: it needs {OptionOf(module)}");

    /// <summary>Whether modules.dep or modules.builtin of the running kernel has it.</summary>
    internal static bool IsLoadable(string module)
    {
        string place = $"/lib/modules/{File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}";
        return s_lists.Select(list => Path.Combine(place, list)).Where(File.Exists).SelectMany(File.ReadLines)
            .Any(line => Path.GetFileName(line.Split(':')[0]).Split('.')[0].Replace('-', '_') == module);
    }

    private static string OptionOf(string module) => module switch
    {
        "dm_mod" => "CONFIG_BLK_DEV_DM",
        "dm_thin_pool" => "CONFIG_DM_THIN_PROVISIONING",
        "dm_raid" => "CONFIG_DM_RAID",
        _ => module,
    };
}

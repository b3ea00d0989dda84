using EveStorage.Linux;

namespace EveStorage.Host.Plugins;

/// <summary>What a manifest says its plugin needs of the machine, looked for without loading anything.</summary>
internal static class PluginNeeds
{
    private static readonly string[] s_moduleLists = ["modules.dep", "modules.builtin"];

    /// <summary>Those of <paramref name="needs"/> that are not here, each as a fact to read.</summary>
    internal static IEnumerable<string> Missing(IEnumerable<string> needs)
        => needs.Where(need => !IsHere(need)).Select(need => $"{need} is missing");

    private static bool IsHere(string need) => need.Split(':', 2) switch
    {
        ["command", string name] => Command.Find(name) is not null,
        ["module", string name] => HasModule(name.Replace('-', '_')),
        _ => false,   // a need that this host does not know can't be met by it
    };

    // Loaded or built in; or there to be loaded, which the part's own probe looks at more closely.
    private static bool HasModule(string name)
    {
        if (Directory.Exists($"/sys/module/{name}"))
        {
            return true;
        }

        string modules = $"/lib/modules/{File.ReadAllText("/proc/sys/kernel/osrelease").Trim()}";
        return s_moduleLists
            .Select(file => Path.Combine(modules, file))
            .Where(File.Exists)
            .SelectMany(File.ReadLines)
            .Select(line => Path.GetFileName(line.Split(':')[0]).Split('.')[0].Replace('-', '_'))
            .Contains(name);
    }
}

using EveStorage.Linux;

namespace EveStorage.Host.Plugins;

/// <summary>
/// What a manifest says its plugin needs of the machine, looked for without loading anything: <c>command:NAME</c>, or
/// <c>module:NAME</c>, which may name the kernel's option for it: <c>module:nvmet=CONFIG_NVME_TARGET</c>.
/// </summary>
internal static class PluginNeeds
{
    /// <summary>Those of <paramref name="needs"/> that are not here, each as a fact to read.</summary>
    internal static IEnumerable<string> Missing(IEnumerable<string> needs) => needs.Select(MissingOf).OfType<string>();

    private static string? MissingOf(string need) => need.Split([':', '='], 3) switch
    {
        ["command", string name] => Command.Find(name) is null ? $"the command {name} is missing" : null,
        ["module", string name] => KernelModule.IsThere(name) ? null : $"the kernel has no module {name}",
        ["module", string name, string option] => KernelModule.IsThere(name) ? null : $"the kernel has no module {name}: it needs {option}",
        _ => $"{need} is nothing that this host can look for",
    };
}

using EveStorage.Host.Profiles;
using Microsoft.Extensions.Configuration;

namespace EveStorage.Host.Plugins;

/// <summary>One thing that a plugin provides, not made yet.</summary>
/// <typeparam name="T">What it is in the contract.</typeparam>
/// <param name="Plugin">The plugin's id.</param>
/// <param name="Kind">Its kind: what a profile names it by.</param>
/// <param name="Check">Reads its options and adds what is wrong with them to the problems.</param>
/// <param name="Create">Makes it; its options have been checked.</param>
internal sealed record PluginPart<T>(
    string Plugin, string Kind, Action<IConfigurationSection, Problems> Check, Func<IConfigurationSection, PluginServices, T> Create);

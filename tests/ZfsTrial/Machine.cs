using EveStorage.Zfs;

namespace EveStorage.ZfsTrial;

/// <summary>A pool of ZFS, with keys in memory.</summary>
internal sealed class Machine(string name, ZfsOptions options, params IReadOnlyList<string> devices)
    : TrialMachine<ZfsOptions>(new ZfsPlugin(), name, options, devices)
{
    internal TrialKeys Keys { get; } = new();

    /// <inheritdoc/>
    protected override PluginServices Give(PluginServices services) => services with { Keys = Keys };

    /// <inheritdoc cref="TrialMachine.ShellAsync(string, Dictionary{string, string})"/>
    internal static Task<string> ShellAsync(string script) => ShellAsync(script, []);
}

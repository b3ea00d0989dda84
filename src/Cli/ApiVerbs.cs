using EveStorage.Cli.Verbs;

namespace EveStorage.Cli;

/// <summary>The verbs that ask nothing but the API, so that each program that can reach a daemon has them.</summary>
internal static class ApiVerbs
{
    private static readonly Dictionary<string, Func<CliVerb>> s_verbs = new()
    {
        ["device list"] = static () => new DeviceList(),
        ["doctor"] = static () => new Doctor(),
        ["events"] = static () => new Events(),
        ["export add"] = static () => new ExportAdd(),
        ["export list"] = static () => new ExportList(),
        ["export remove"] = static () => new ExportRemove(),
        ["export set"] = static () => new ExportSet(),
        ["fs create"] = static () => new FileSystemCreate(),
        ["fs delete"] = static () => new FileSystemDelete(),
        ["fs grow"] = static () => new FileSystemGrow(),
        ["fs list"] = static () => new FileSystemList(),
        ["fs mount"] = static () => new FileSystemMount(),
        ["fs set"] = static () => new FileSystemSet(),
        ["fs show"] = static () => new FileSystemShow(),
        ["fs unmount"] = static () => new FileSystemUnmount(),
        ["image import"] = static () => new ImageImport(),
        ["image inspect"] = static () => new ImageInspect(),
        ["image save"] = static () => new ImageSave(),
        ["key create"] = static () => new KeyCreate(),
        ["key delete"] = static () => new KeyDelete(),
        ["key list"] = static () => new KeyList(),
        ["metrics"] = static () => new MetricsVerb(),
        ["operation cancel"] = static () => new OperationCancel(),
        ["operation clear"] = static () => new OperationClear(),
        ["operation list"] = static () => new OperationList(),
        ["operation show"] = static () => new OperationShow(),
        ["plugin list"] = static () => new PluginList(),
        ["pool add"] = static () => new PoolAdd(),
        ["pool create"] = static () => new PoolCreate(),
        ["pool delete"] = static () => new PoolDelete(),
        ["pool forget"] = static () => new PoolForget(),
        ["pool list"] = static () => new PoolList(),
        ["pool lock"] = static () => new PoolLock(),
        ["pool offline"] = static () => new PoolOffline(),
        ["pool online"] = static () => new PoolOnline(),
        ["pool rekey"] = static () => new PoolRekey(),
        ["pool remove"] = static () => new PoolRemove(),
        ["pool replace"] = static () => new PoolReplace(),
        ["pool scrub"] = static () => new PoolScrub(),
        ["pool status"] = static () => new PoolStatusVerb(),
        ["pool trim"] = static () => new PoolTrim(),
        ["pool unlock"] = static () => new PoolUnlock(),
        ["volume clone"] = static () => new VolumeClone(),
        ["volume create"] = static () => new VolumeCreate(),
        ["volume delete"] = static () => new VolumeDelete(),
        ["volume list"] = static () => new VolumeList(),
        ["volume resize"] = static () => new VolumeResize(),
        ["volume rollback"] = static () => new VolumeRollback(),
        ["volume show"] = static () => new VolumeShow(),
        ["volume snapshot"] = static () => new VolumeSnapshot(),
    };

    /// <summary>All of them.</summary>
    internal static IEnumerable<CliVerb> All => s_verbs.Values.Select(static make => make());

    /// <summary>The one that begins what was typed, after options of every verb; null when that is none of them.</summary>
    internal static CliVerb? Find(IReadOnlyList<string> arguments)
        => GlobalOptions.Behind(arguments) is not [string first, ..] words ? null
            : s_verbs.TryGetValue(first, out Func<CliVerb>? one) ? one()
            : words.Length > 1 && s_verbs.TryGetValue($"{first} {words[1]}", out Func<CliVerb>? two) ? two()
            : null;
}

using System.Globalization;
using EveStorage.Linux;

namespace EveStorage.Zfs;

/// <summary>A pool of ZFS's, by its name: our volumes are below <see cref="Volumes"/>.</summary>
/// <param name="Tools">ZFS's programs.</param>
/// <param name="Root">Its name.</param>
internal sealed record Zpool(ZfsTools Tools, string Root)
{
    /// <summary>What holds the volumes, and is encrypted where they are.</summary>
    internal string Volumes => $"{Root}/volumes";

    /// <summary>The full name of a volume. Every name of a volume is one of ZFS's, too: zfs(8) allows more.</summary>
    internal string DatasetOf(VolumeName name) => $"{Volumes}/{name}";

    /// <summary>The full name of a snapshot.</summary>
    internal string DatasetOf(SnapshotName name) => $"{Volumes}/{name}";

    /// <summary>
    /// Where an operation makes a volume. ZFS makes it and sets its properties in two transactions: until all of it is there its name
    /// is no volume's, and is the mark of the operation.
    /// </summary>
    internal string MakingOf(Guid operation, Guid id) => $"{Volumes}/_{operation:N}.{id:N}";

    /// <summary>Whether an operation is making it, or was when a crash came.</summary>
    internal bool IsMaking(Dataset dataset) => !dataset.IsSnapshot && IsMakingLeaf(dataset.Leaf) && dataset.Name == $"{Volumes}/{dataset.Leaf}";

    /// <summary>Whether the last part of a name is one of those: its form is the mark, so that nothing else that begins alike is taken for it.</summary>
    internal static bool IsMakingLeaf(string leaf)
        => leaf.Length == 1 + 32 + 1 + 32 && leaf[0] == '_' && leaf[33] == '.' && Guid.TryParseExact(leaf[1..33], "N", out _) && Guid.TryParseExact(leaf[34..], "N", out _);

    /// <summary>What has the name of a volume, with its snapshots and what lies below it; null when nothing has.</summary>
    internal Dataset? In(IReadOnlyList<Dataset> found, VolumeName name) => found.FirstOrDefault(dataset => dataset.Name == DatasetOf(name));

    /// <summary>The volume of a dataset that is in <see cref="Volumes"/>; null when its name is no volume's.</summary>
    internal VolumeName? NameOf(Dataset dataset)
        => !dataset.IsSnapshot && dataset.Name.StartsWith($"{Volumes}/", StringComparison.Ordinal)
            && VolumeName.TryParse(dataset.Name[(Volumes.Length + 1)..], out VolumeName name) ? name : null;

    /// <summary>All that lies below <see cref="Volumes"/>, with snapshots.</summary>
    internal Task<IReadOnlyList<Dataset>> ListAsync(CancellationToken cancellationToken) => ListAsync(Volumes, cancellationToken);

    /// <summary>One volume with its snapshots; empty when it is not there.</summary>
    internal Task<IReadOnlyList<Dataset>> ListAsync(VolumeName name, CancellationToken cancellationToken) => ListAsync(DatasetOf(name), cancellationToken);

    /// <summary>A dataset and all that lies below it; empty when it is not there.</summary>
    internal Task<IReadOnlyList<Dataset>> ListAsync(string dataset, CancellationToken cancellationToken) => ListAsync(dataset, "filesystem,volume,snapshot", cancellationToken);

    /// <summary>The volumes and file systems alone, however many snapshots they have.</summary>
    internal async Task<IReadOnlyList<Dataset>> ListVolumesAsync(CancellationToken cancellationToken)
        => [.. (await ListAsync(Volumes, "filesystem,volume", cancellationToken)).Where(dataset => dataset.Name != Volumes)];

    private async Task<IReadOnlyList<Dataset>> ListAsync(string dataset, string types, CancellationToken cancellationToken)
        => [.. (await Tools.FindRowsAsync(dataset, ["list", "-Hp", "-r", "-t", types, "-o", Dataset.Columns, dataset], ofPools: false, cancellationToken) ?? []).Select(Dataset.Read)];

    /// <summary>Properties of a dataset, in their order; null when it is not there. A value that it has not is null.</summary>
    internal async Task<string?[]?> FindAsync(string dataset, CancellationToken cancellationToken, params string[] properties)
    {
        IReadOnlyList<string[]>? rows = await Tools.FindRowsAsync(dataset, ["list", "-Hp", "-o", string.Join(',', properties), dataset], ofPools: false, cancellationToken);
        return rows is [string[] row] && row.Length == properties.Length ? [.. row.Select(value => value is "-" or "" ? null : value)] : null;
    }

    /// <summary>The id by which ZFS knows the pool, whatever it is called; null when it is not there.</summary>
    internal async Task<ulong?> GuidAsync(CancellationToken cancellationToken)
        => await Tools.FindRowsAsync(Root, ["get", "-Hp", "-o", "value", "guid", Root], ofPools: true, cancellationToken) is [[string text]]
            && ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out ulong guid) ? guid : null;

    /// <summary>Our own properties of a volume, all of them; empty when it is not there.</summary>
    internal async Task<Dictionary<string, string>> PropertiesAsync(string dataset, CancellationToken cancellationToken)
        => (await Tools.FindRowsAsync(dataset, ["get", "-Hp", "-s", "local", "-o", "property,value", "all", dataset], ofPools: false, cancellationToken) ?? [])
            .Where(row => row.Length == 2).ToDictionary(row => row[0], row => row[1], StringComparer.Ordinal);

    /// <summary>Sets properties of a dataset. User properties are all set in one transaction.</summary>
    internal Task SetAsync(string dataset, IEnumerable<string> values, CancellationToken cancellationToken)
        => Tools.ZfsAsync(dataset, ["set", .. values, dataset], cancellationToken);

    /// <summary>
    /// Does what somebody may keep from being done for a moment, as udev does that looks into each new device: again, until
    /// <paramref name="limit"/> is over.
    /// </summary>
    internal static async Task WhenNotBusyAsync(Func<Task> act, TimeSpan limit, TimeProvider time, CancellationToken cancellationToken)
    {
        long start = time.GetTimestamp();
        while (true)
        {
            try
            {
                await act();
                return;
            }
            catch (StorageException e) when (e.Kind == StorageErrorKind.Busy && time.GetElapsedTime(start) < limit)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(200), time, cancellationToken);
            }
        }
    }
}

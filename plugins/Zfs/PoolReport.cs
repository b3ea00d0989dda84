using System.Globalization;

namespace EveStorage.Zfs;

/// <summary>A pool as <c>zpool status</c> tells it.</summary>
/// <param name="State">ONLINE, DEGRADED, FAULTED, UNAVAIL, SUSPENDED.</param>
/// <param name="Groups">What data lies on: drives, or groups of them.</param>
/// <param name="Scan">The scrub or resilver that runs, or the last one; null when there was none.</param>
/// <param name="Errors">How many places of data are lost; null when that is not known.</param>
internal sealed record PoolReport(string State, IReadOnlyList<Vdev> Groups, PoolScan? Scan, long? Errors)
{
    /// <summary>Its drives, those too that are missing or being replaced.</summary>
    internal IEnumerable<Vdev> Drives => Groups.SelectMany(group => group.Leaves);

    /// <summary>Whether a drive is being replaced by another.</summary>
    internal bool IsReplacing => Groups.Any(group => group.All.Any(vdev => vdev.Type == "replacing"));

    /// <summary>Whether what was on a drive is being written to another.</summary>
    internal bool IsRebuilding => IsReplacing || Scan is { IsResilver: true, IsRunning: true };

    /// <summary>Asks ZFS: as JSON where it has that, and by its table where not.</summary>
    internal static async Task<PoolReport> AskAsync(Zpool zpool, ZfsVersion version, CancellationToken cancellationToken)
        => version.HasJson
            ? PoolReportJson.Read(await zpool.Tools.ZpoolAsync(zpool.Root, ["status", "-j", "--json-int", "-P", zpool.Root], cancellationToken), zpool.Root)
            : PoolReportText.Read(
                await zpool.Tools.ZpoolAsync(zpool.Root, ["status", "-pP", zpool.Root], cancellationToken),
                await zpool.Tools.ZpoolAsync(zpool.Root, ["status", "-pg", zpool.Root], cancellationToken),
                zpool.Root);
}

/// <summary>A drive of a pool, or a group of them.</summary>
/// <param name="Name">What ZFS calls it.</param>
/// <param name="Type">disk, mirror, raidz, replacing, spare.</param>
/// <param name="Guid">ZFS's id of it.</param>
/// <param name="Path">Where a drive is, or was.</param>
/// <param name="State">ONLINE, DEGRADED, FAULTED, OFFLINE, UNAVAIL, REMOVED.</param>
/// <param name="Failures">Reads and writes that failed, and what did not fit its checksum.</param>
/// <param name="Below">Its members.</param>
/// <param name="IsLeaving">Whether what it holds is being moved to the others, after which it is gone.</param>
internal sealed record Vdev(string Name, string Type, string Guid, string? Path, string State, VdevFailures Failures, IReadOnlyList<Vdev> Below, bool IsLeaving = false)
{
    /// <summary>It and all below it.</summary>
    internal IEnumerable<Vdev> All => Below.SelectMany(vdev => vdev.All).Prepend(this);

    /// <summary>The drives in it.</summary>
    internal IEnumerable<Vdev> Leaves => Below.Count == 0 ? [this] : Below.SelectMany(vdev => vdev.Leaves);
}

/// <summary>What failed since the pool was imported, or cleared.</summary>
internal readonly record struct VdevFailures(long Reads, long Writes, long Checksums)
{
    internal bool Any => Reads > 0 || Writes > 0 || Checksums > 0;

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Reads} reads and {Writes} writes of it failed, and {Checksums} blocks did not fit their checksums");
}

/// <summary>A reading of all data.</summary>
/// <param name="IsResilver">Whether it brings a drive up to date, and is no check.</param>
/// <param name="IsRunning">Whether it runs.</param>
/// <param name="Percent">How far it is; null when unknown.</param>
/// <param name="Errors">What it could not repair.</param>
/// <param name="IsPaused">Whether it was interrupted, and goes on when it is started again.</param>
/// <param name="Ended">When it ended; null while it has not.</param>
internal sealed record PoolScan(bool IsResilver, bool IsRunning, double? Percent, long Errors, bool IsPaused = false, DateTimeOffset? Ended = null);

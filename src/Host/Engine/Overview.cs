using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Lazy;
using EveStorage.Host.Operations;

namespace EveStorage.Host.Engine;

/// <summary>Describes pools, volumes and exports as they are now.</summary>
internal sealed class Overview(StorageParts parts, OpenPools pools, LockedPools locked, LazyVolumes lazy)
{
    /// <summary>Why a pool that is only declared can't be used.</summary>
    internal const string NotMade = "is not made yet";

    /// <summary>Every declared pool.</summary>
    internal async Task<IReadOnlyList<PoolReport>> PoolsAsync(CancellationToken cancellationToken)
    {
        List<PoolReport> reports = [];
        foreach (PoolName name in parts.PoolNames)
        {
            reports.Add(await PoolAsync(name, cancellationToken));
        }

        return reports;
    }

    /// <summary>A declared pool.</summary>
    internal async Task<PoolReport> PoolAsync(PoolName name, CancellationToken cancellationToken)
    {
        PoolReport report = new() { Name = name, Kind = parts.OptionsOf(name).Kind, Created = false, Locked = locked.Contains(name) };
        try
        {
            if (await pools.TryOpenAsync(name, cancellationToken) is not IStoragePool pool)
            {
                ProbeResult probe = await parts.BackendOf(name).ProbeAsync(cancellationToken);
                return report with { Reasons = probe.Missing.Count > 0 ? probe.Missing : [NotMade] };
            }

            IReadOnlyList<PlacedLayer> layers = parts.LayersOf(name);
            return report with
            {
                Created = true,
                Id = pool.Id,
                Status = await pool.GetStatusAsync(cancellationToken),
                Forms = [.. pool.Capabilities.Forms.Concat(layers.Select(placed => placed.Layer.Capabilities.Above)).Distinct().Order()],
                Traits = layers.Aggregate(pool.Capabilities.Traits, (traits, placed) => traits | placed.Layer.Capabilities.Adds),
            };
        }
        catch (StorageException e)
        {
            return report with { Reasons = [e.Message], Error = new(e.Kind, $"{name}", e.Subject == $"{name}" ? ErrorReport.Of(e).Message : e.Message) };
        }
    }

    /// <summary>The volumes of a pool, or of every pool that has been made.</summary>
    internal async Task<IReadOnlyList<VolumeReport>> VolumesAsync(PoolName? asked, CancellationToken cancellationToken)
    {
        List<VolumeReport> reports = [];
        Dictionary<(string, Guid), ExportInfo> served = await ServedAsync(cancellationToken);
        foreach (IStoragePool pool in await OpenAsync(asked, cancellationToken))
        {
            VolumeTraits below = TraitsBelow(pool);
            await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
            {
                if (!volume.Name.IsTemporary)
                {
                    reports.Add(await DescribeAsync(pool, volume, below, served, cancellationToken));
                }
            }
        }

        return [.. reports.OrderBy(report => $"{report.Pool}/{report.Name}", StringComparer.Ordinal)];
    }

    /// <summary>One volume; null when it is not there.</summary>
    internal async Task<VolumeReport?> VolumeAsync(PoolName name, VolumeName volume, CancellationToken cancellationToken)
    {
        IStoragePool pool = await pools.OpenAsync(name, cancellationToken);
        return !volume.IsTemporary && await pool.FindVolumeAsync(volume, cancellationToken) is VolumeInfo found
            ? await DescribeAsync(pool, found, TraitsBelow(pool), await ServedAsync(cancellationToken), cancellationToken)
            : null;
    }

    /// <summary>Every export on record, and how it is served.</summary>
    internal async Task<IReadOnlyList<ExportReport>> ExportsAsync(CancellationToken cancellationToken)
    {
        Dictionary<(string, Guid), ExportInfo> served = await ServedAsync(cancellationToken);
        List<ExportReport> reports = [];
        foreach (IStoragePool pool in await OpenAsync(null, cancellationToken))
        {
            await foreach (VolumeInfo volume in pool.ListVolumesAsync(cancellationToken))
            {
                VolumeRecord? record = await pool.Records.FindAsync(volume.Name, cancellationToken);
                reports.AddRange(Describe(pool, volume, record, served));
            }
        }

        return [.. reports.OrderBy(report => report.Volume, StringComparer.Ordinal)];
    }

    private VolumeTraits TraitsBelow(IStoragePool pool)
        => parts.DevicesOf(pool.Name).Aggregate(VolumeTraits.None, static (traits, device) => traits | device.Adds);

    private async Task<Dictionary<(string, Guid), ExportInfo>> ServedAsync(CancellationToken cancellationToken)
    {
        Dictionary<(string, Guid), ExportInfo> served = [];
        foreach (string name in parts.TransportNames)
        {
            await AddServedAsync(name, served, cancellationToken);
        }

        return served;
    }

    // One that can't be asked, for want of a plugin or of the kernel's part, serves nothing that could be told of.
    private async Task AddServedAsync(string name, Dictionary<(string, Guid), ExportInfo> served, CancellationToken cancellationToken)
    {
        try
        {
            await foreach (ExportInfo export in parts.TransportOf(name).Transport.ListExportsAsync(cancellationToken))
            {
                served[(name, export.VolumeId)] = export;
            }
        }
        catch (StorageException)
        {
            // `plugin list` and `doctor` say why
        }
    }

    private async Task<IReadOnlyList<IStoragePool>> OpenAsync(PoolName? asked, CancellationToken cancellationToken)
    {
        if (asked is PoolName name)
        {
            return [await pools.OpenAsync(name, cancellationToken)];
        }

        List<IStoragePool> open = [];
        foreach (PoolName declared in parts.PoolNames)
        {
            try
            {
                if (await pools.TryOpenAsync(declared, cancellationToken) is IStoragePool pool)
                {
                    open.Add(pool);
                }
            }
            catch (StorageException)
            {
                // `pool list` and `doctor` say why; a list of the other pools' volumes is still worth having
            }
        }

        return open;
    }

    private async Task<VolumeReport> DescribeAsync(
        IStoragePool pool, VolumeInfo volume, VolumeTraits below, Dictionary<(string, Guid), ExportInfo> served, CancellationToken cancellationToken)
    {
        List<SnapshotReport> snapshots = [];
        if (pool is ISnapshotPool frozen)
        {
            await foreach (SnapshotInfo snapshot in frozen.ListSnapshotsAsync(volume.Name, cancellationToken))
            {
                snapshots.Add(new(snapshot.Name.Label, snapshot.Id, snapshot.Size, snapshot.Created));
            }
        }

        VolumeRecord? record = await pool.Records.FindAsync(volume.Name, cancellationToken);
        LayerStack stack = parts.StackOf(pool, volume.Name, volume.Id, record);
        return new()
        {
            Pool = pool.Name,
            Name = volume.Name,
            Id = volume.Id,
            Form = stack.FileSystem is null ? volume.Form : VolumeForm.FileSystem,
            Size = new(Math.Max(0, volume.Size.Bytes - stack.Overhead.Bytes)),
            Allocated = volume.Allocated,
            AllocatedBySnapshots = volume.AllocatedBySnapshots,
            Reservation = volume.Reservation,
            LockedBy = volume.LockedBy?.ToString(),
            Traits = volume.Traits | stack.Adds | below,
            Path = stack.Path,
            Layers = [.. stack.Layers.Select(stacked => stacked.Kind)],
            Open = await stack.IsOpenAsync(cancellationToken),
            Created = record?.Created,
            Snapshots = snapshots,
            Exports = [.. Describe(pool, volume, record, served)],
            Image = await lazy.ReportAsync(pool, record, cancellationToken),
        };
    }

    private static IEnumerable<ExportReport> Describe(IStoragePool pool, VolumeInfo volume, VolumeRecord? record, Dictionary<(string, Guid), ExportInfo> served)
        => (record?.Exports ?? []).Select(export => Describe(pool, volume, export, served.GetValueOrDefault((export.Transport, volume.Id))));

    private static ExportReport Describe(IStoragePool pool, VolumeInfo volume, ExportRecord export, ExportInfo? served) => new()
    {
        Volume = $"{pool.Name}/{volume.Name}",
        VolumeId = volume.Id,
        Transport = export.Transport,
        Subsystem = export.Subsystem,
        NamespaceId = export.NamespaceId,
        Address = served?.Address,
        Limits = export.Limits,
        Traffic = served?.Traffic,
        AllowedHosts = [.. export.AllowedHosts.Keys.Order(StringComparer.Ordinal)],
        Keys = export.AllowedHosts.Where(host => host.Value is not null).ToDictionary(host => host.Key, host => host.Value!),
        ControllerKeys = export.ControllerKeys,
        ConnectedHosts = [.. (served?.ConnectedHosts ?? []).Select(host => $"{host}")],
        Lines = served?.Lines ?? new Dictionary<string, string>(),
        ReadOnly = served?.ReadOnly ?? export.ReadOnly,
    };
}

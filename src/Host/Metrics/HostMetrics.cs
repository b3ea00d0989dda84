using System.Text.Json;
using EveStorage.Cli.Api;
using EveStorage.Host.Engine;
using EveStorage.Host.Events;
using EveStorage.Host.FileSystems;
using EveStorage.Host.Operations;
using EveStorage.Host.Profiles;
using EveStorage.Linux;

namespace EveStorage.Host.Metrics;

/// <summary>Measures the host when it is asked, by what pools, the kernel and the journal know: nothing is counted or kept for it, but the events.</summary>
internal sealed class HostMetrics(Profile profile, Overview overview, FileSystemOverview fileSystems, OperationRunner operations, EventLog events)
{
    /// <summary>All of it, as Prometheus reads it.</summary>
    internal async Task<string> MeasureAsync(CancellationToken cancellationToken)
    {
        MetricsText text = new();
        text.Gauge("evestorage_info", "Which version answers, with which profile.", [new(1, ("version", ProgramVersion.Ours), ("profile", profile.Name))]);
        AddPools(text, await overview.PoolsAsync(cancellationToken));
        AddVolumes(text, await overview.VolumesAsync(null, cancellationToken));
        AddFileSystems(text, await fileSystems.ListAsync(null, cancellationToken));
        OperationReport[] all = [.. operations.List()];
        text.Gauge("evestorage_operations_running", "Operations that have not ended.", [new(all.Count(operation => operation.State.IsUnderWay()))]);
        text.Gauge("evestorage_operations_needing_attention", "Operations that a person has to look at.", [new(all.Count(operation => OperationClaims.NeedsPerson(operation, all)))]);
        text.Counter(
            "evestorage_events_total", "Events since the start, by their ids.",
            events.Counts.OrderBy(counted => counted.Key.Id, StringComparer.Ordinal).Select(counted => new Sample(counted.Value, ("id", counted.Key.Id), ("severity", Word(counted.Key.Severity)))));
        return $"{text}";
    }

    private static void AddPools(MetricsText text, IReadOnlyList<PoolReport> pools)
    {
        text.Gauge("evestorage_pool_up", "Whether the pool is made and can be looked at.", pools.Select(pool => new Sample(pool.Status is null ? 0 : 1, Of(pool))));
        (PoolReport Pool, PoolStatus Status)[] open = [.. pools.Where(pool => pool.Status is not null).Select(pool => (pool, pool.Status!))];
        text.Gauge(
            "evestorage_pool_health", "How the pool is: 1 for the state that it is in.",
            open.SelectMany(one => Enum.GetValues<PoolHealth>().Select(health => new Sample(one.Status.Health == health ? 1 : 0, Of(one.Pool), ("state", Word(health))))));
        text.Gauge("evestorage_pool_size_bytes", "What the pool holds at most.", open.Select(one => Sample.Of(one.Status.Size, Of(one.Pool))));
        text.Gauge("evestorage_pool_used_bytes", "What its volumes and snapshots take: the physical use.", open.Select(one => Sample.Of(one.Status.Used, Of(one.Pool))));
        text.Gauge("evestorage_pool_free_bytes", "What can still be written.", open.Select(one => Sample.Of(one.Status.Free, Of(one.Pool))));
        text.Gauge("evestorage_pool_provisioned_bytes", "The sizes of its volumes together.", Known(open, status => status.Provisioned));
        text.Gauge("evestorage_pool_metadata_size_bytes", "What the pool's own tables may take.", Known(open, status => status.Metadata?.Size));
        text.Gauge("evestorage_pool_metadata_used_bytes", "What the pool's own tables take.", Known(open, status => status.Metadata?.Used));
        text.Gauge("evestorage_pool_cache_limit_bytes", "The memory that the kernel may keep as the cache of all pools of that kind.", Known(open, status => status.ReservedMemory?.Size));
        text.Gauge("evestorage_pool_cache_bytes", "The memory that it keeps now.", Known(open, status => status.ReservedMemory?.Used));
        text.Gauge("evestorage_pool_problems", "How many things are wrong with the pool.", open.Select(one => new Sample(one.Status.Problems.Count, Of(one.Pool))));
        text.Gauge(
            "evestorage_pool_scrub_running", "Whether all that the pool holds is being checked.",
            open.Where(one => one.Status.Scrub is not null).Select(one => new Sample(one.Status.Scrub!.Running ? 1 : 0, Of(one.Pool))));
        text.Gauge(
            "evestorage_pool_scrub_errors", "How many places did not agree in the last check.",
            open.Where(one => one.Status.Scrub?.Errors is not null).Select(one => new Sample(one.Status.Scrub!.Errors!.Value, Of(one.Pool))));
        (PoolReport Pool, DriveStatus Drive)[] drives = [.. open.SelectMany(one => one.Status.Drives.DistinctBy(drive => drive.Name).Select(drive => (one.Pool, drive)))];
        text.Gauge("evestorage_drive_healthy", "Whether a drive of the pool is as it should be.", drives.Select(one => new Sample(one.Drive.Health == PoolHealth.Healthy ? 1 : 0, Of(one.Pool), ("drive", one.Drive.Name))));
        text.Gauge(
            "evestorage_drive_wear_ratio", "How much of its promised life a drive has used; it may be more than 1.",
            drives.Where(one => one.Drive.WearPercent is not null).Select(one => new Sample(one.Drive.WearPercent!.Value / 100.0, Of(one.Pool), ("drive", one.Drive.Name))));
    }

    private static void AddVolumes(MetricsText text, IReadOnlyList<VolumeReport> volumes)
    {
        text.Gauge("evestorage_volume_provisioned_bytes", "The volume's size.", volumes.Select(volume => Sample.Of(volume.Size, Of(volume))));
        text.Gauge("evestorage_volume_allocated_bytes", "What it takes of its pool: its physical use.", volumes.Select(volume => Sample.Of(volume.Allocated, Of(volume))));
        text.Gauge("evestorage_volume_snapshots", "How many snapshots it has.", volumes.Select(volume => new Sample(volume.Snapshots.Count, Of(volume))));
        (VolumeReport Volume, BlockTraffic Traffic)[] counted = [.. volumes.Where(volume => volume.Form == VolumeForm.Block && volume.Open).Select(volume => (volume, BlockTraffic.Of(volume.Path))).Where(one => one.Item2 is not null).Select(one => (one.volume, one.Item2!.Value))];
        text.Counter("evestorage_volume_reads_total", "Reads, where the volume is a device of the kernel.", counted.Select(one => new Sample(one.Traffic.Reads, Of(one.Volume))));
        text.Counter("evestorage_volume_read_bytes_total", "Bytes read, where the volume is a device of the kernel.", counted.Select(one => new Sample(one.Traffic.ReadBytes, Of(one.Volume))));
        text.Counter("evestorage_volume_writes_total", "Writes, where the volume is a device of the kernel.", counted.Select(one => new Sample(one.Traffic.Writes, Of(one.Volume))));
        text.Counter("evestorage_volume_written_bytes_total", "Bytes written, where the volume is a device of the kernel.", counted.Select(one => new Sample(one.Traffic.WrittenBytes, Of(one.Volume))));
        (VolumeReport Volume, ExportReport Export)[] exports = [.. volumes.SelectMany(volume => volume.Exports.Select(export => (volume, export)))];
        text.Gauge("evestorage_export_served", "Whether an export on record is served.", exports.Select(one => new Sample(one.Export.Address is null ? 0 : 1, [.. Of(one.Volume), ("transport", one.Export.Transport)])));
        text.Gauge("evestorage_export_hosts", "How many hosts are connected to it.", exports.Select(one => new Sample(one.Export.ConnectedHosts.Count, [.. Of(one.Volume), ("transport", one.Export.Transport)])));
        AddTraffic(text, [.. exports.Where(one => one.Export.Traffic is not null)]);
    }

    private static void AddTraffic(MetricsText text, IReadOnlyList<(VolumeReport Volume, ExportReport Export)> exports)
    {
        Add("reads", "Reads by an export's hosts, where the transport counts them.", static traffic => traffic.Reads);
        Add("read_bytes", "Bytes that they asked for.", static traffic => traffic.ReadBytes.Bytes);
        Add("writes", "Writes by an export's hosts, where the transport counts them.", static traffic => traffic.Writes);
        Add("written_bytes", "Bytes that they brought.", static traffic => traffic.WrittenBytes.Bytes);
        Add("flushes", "Flushes by an export's hosts, where the transport counts them.", static traffic => traffic.Flushes);
        Add("errors", "Reads, writes and flushes of an export's hosts that failed after they had begun.", static traffic => traffic.Errors);

        void Add(string what, string help, Func<ExportTraffic, long> value) => text.Counter(
            $"evestorage_export_{what}_total", help, exports.Select(one => new Sample(value(one.Export.Traffic!), [.. Of(one.Volume), ("transport", one.Export.Transport)])));
    }

    private static void AddFileSystems(MetricsText text, IReadOnlyList<FileSystemReport> all)
    {
        text.Gauge("evestorage_file_system_mounted", "Whether a file system is mounted.", all.Select(one => new Sample(one.Mounted ? 1 : 0, Of(one))));
        text.Gauge("evestorage_file_system_size_bytes", "Its quota.", all.Select(one => Sample.Of(one.Quota, Of(one))));
        text.Gauge("evestorage_file_system_used_bytes", "What its files and its own tables take: its logical use.", all.Where(one => one.Used is not null).Select(one => Sample.Of(one.Used!.Value, Of(one))));
        text.Gauge("evestorage_file_system_free_bytes", "What can still be written.", all.Where(one => one.Free is not null).Select(one => Sample.Of(one.Free!.Value, Of(one))));
        text.Gauge("evestorage_file_system_files", "How many files and directories it has.", all.Where(one => one.Files is not null).Select(one => new Sample(one.Files!.Value, Of(one))));
        text.Gauge("evestorage_file_system_free_files", "How many more it can have.", all.Where(one => one.FreeFiles is not null).Select(one => new Sample(one.FreeFiles!.Value, Of(one))));
    }

    private static IEnumerable<Sample> Known(IEnumerable<(PoolReport Pool, PoolStatus Status)> pools, Func<PoolStatus, ByteSize?> value)
        => pools.Where(one => value(one.Status) is not null).Select(one => Sample.Of(value(one.Status)!.Value, Of(one.Pool)));

    private static (string, string) Of(PoolReport pool) => ("pool", $"{pool.Name}");

    private static (string, string)[] Of(VolumeReport volume) => [("pool", $"{volume.Pool}"), ("volume", $"{volume.Name}")];

    private static (string, string)[] Of(FileSystemReport one) => [("pool", $"{one.Pool}"), ("file_system", $"{one.Name}")];

    private static string Word<T>(T value)
        where T : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName($"{value}");
}

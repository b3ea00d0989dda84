using EveStorage.Cli.Api;
using EveStorage.Host.Composition;
using EveStorage.Host.Engine;
using EveStorage.Linux;

namespace EveStorage.Host.FileSystems;

/// <summary>Describes file systems as they are now. What they hold is asked of the kernel's own counters, never added up.</summary>
internal sealed class FileSystemOverview(Overview overview, OpenPools pools)
{
    /// <summary>Those of a pool, or of every pool that has been made.</summary>
    internal async Task<IReadOnlyList<FileSystemReport>> ListAsync(PoolName? asked, CancellationToken cancellationToken)
    {
        List<FileSystemReport> reports = [];
        foreach (VolumeReport volume in (await overview.VolumesAsync(asked, cancellationToken)).Where(volume => volume.Form == VolumeForm.FileSystem))
        {
            reports.Add(await DescribeAsync(volume, cancellationToken));
        }

        return reports;
    }

    /// <summary>One of them.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.NotFound"/>: it is not there, or is a disk.</exception>
    internal async Task<FileSystemReport> GetAsync(PoolName pool, VolumeName name, CancellationToken cancellationToken)
        => await overview.VolumeAsync(pool, name, cancellationToken) is { Form: VolumeForm.FileSystem } volume
            ? await DescribeAsync(volume, cancellationToken)
            : throw new StorageException(StorageErrorKind.NotFound, $"{pool}/{name}", "is no file system here: see `evestorage fs list`");

    // One that does not answer hides no other.
    private static FileSystem? Count(string point)
    {
        try
        {
            return FileSystem.Of(point);
        }
        catch (StorageException)
        {
            return null;
        }
    }

    private async Task<FileSystemReport> DescribeAsync(VolumeReport volume, CancellationToken cancellationToken)
    {
        IStoragePool pool = await pools.OpenAsync(volume.Pool, cancellationToken);
        MountRecord? record = (await pool.Records.FindAsync(volume.Name, cancellationToken))?.Mount;
        FileSystem? counted = volume.Open ? Count(volume.Path) : null;
        return new()
        {
            Pool = volume.Pool,
            Name = volume.Name,
            Id = volume.Id,
            Kind = volume.Layers.Count > 0 ? volume.Layers[^1] : "-",
            Quota = volume.Size,
            Reserved = !volume.Traits.HasFlag(VolumeTraits.Thin),
            Reservation = volume.Reservation,
            Allocated = volume.Allocated,
            MountPoint = record?.At is null ? null : volume.Open || record.Wanted ? volume.Path : null,
            At = record?.At,
            Wanted = record?.Wanted == true,
            Mounted = volume.Open,
            ReadOnly = (volume.Open ? MountTable.FindAt(volume.Path)?.ReadOnly : null) ?? record?.ReadOnly == true,
            Used = counted?.Used,
            Free = counted?.Free,
            Files = counted is { Files: > 0 } ? counted.Value.Files - counted.Value.FreeFiles : null,
            FreeFiles = counted is { Files: > 0 } ? counted.Value.FreeFiles : null,
            Traits = volume.Traits,
            Layers = volume.Layers,
            Snapshots = volume.Snapshots,
        };
    }
}

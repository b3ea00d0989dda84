using EveStorage.Cli;
using EveStorage.Cli.Api;

namespace EveStorage.Host.Desired;

/// <summary>A file system, as it is and as it is to be.</summary>
internal static class FileSystemDifference
{
    /// <summary>What differs, in its order; one null where nothing does.</summary>
    internal static DesiredChange?[] Find(VolumeAddress address, DesiredFileSystem desired, Found found)
    {
        VolumeReport? volume = found.Volumes.GetValueOrDefault(address);
        return volume is { Form: not VolumeForm.FileSystem } ? [DesiredChange.Refused(StorageErrorKind.Conflict, $"{address}", "is a disk: name it among volumes")]
            : desired.Absent ? [volume is null ? null : VolumeDifference.Remove(address, desired.WithSnapshots, volume)]
            : found.FileSystems.GetValueOrDefault(address) is FileSystemReport there ? OneOrMore(Mend(address, desired, there, found))
            : [.. Make(address, desired)];
    }

    private static DesiredChange?[] OneOrMore(IEnumerable<DesiredChange?> changes) => [.. changes.DefaultIfEmpty(null)];

    private static IEnumerable<DesiredChange> Make(VolumeAddress address, DesiredFileSystem desired)
    {
        yield return new()
        {
            Subject = $"{address}",
            Does = $"make the file system, of {desired.Size.ForPerson()}, mounted at {desired.At ?? $"{address.Volume}"}",
            Request = new CreateFileSystem
            {
                Pool = address.Pool!.Value,
                Volume = address.Volume,
                Size = desired.Size,
                Kind = desired.Kind,
                At = desired.At,
                Reserved = desired.Reserved == true,
                Traits = desired.Required,
            },
        };
        if (desired.ReadOnly == true)
        {
            yield return Set(address, null, readOnly: true);
        }

        if (desired.Mounted == false)
        {
            yield return Unmount(address);
        }
    }

    private static IEnumerable<DesiredChange> Mend(VolumeAddress address, DesiredFileSystem desired, FileSystemReport there, Found found)
    {
        DesiredChange? refusal = VolumeDifference.Lacks(address, desired.Required, there.Traits, desired.Reserved, found)
            ?? (desired.Kind is string kind && there.Kind != kind ? DesiredChange.Refused(StorageErrorKind.Conflict, $"{address}", $"is {there.Kind}, and not {kind}: that is so from its making on") : null);
        if (refusal is not null)
        {
            yield return refusal;
            yield break;
        }

        if ((desired.Mounted ?? there.Wanted) && !(there.Wanted && there.Mounted))
        {
            yield return new()
            {
                Subject = $"{address}",
                Does = $"mount it{(desired.At is null ? "" : $" at {desired.At}")}",
                Request = new MountFileSystem { Pool = there.Pool, Volume = there.Name, At = desired.At, ReadOnly = desired.ReadOnly },
            };
        }
        else if ((desired.At is string at && at != there.At) || (desired.ReadOnly is bool readOnly && readOnly != there.ReadOnly))
        {
            yield return Set(address, desired.At == there.At ? null : desired.At, desired.ReadOnly);
        }

        if (there.Quota < desired.Size)
        {
            yield return new()
            {
                Subject = $"{address}",
                Does = $"grow it from {there.Quota.ForPerson()} to {desired.Size.ForPerson()}",
                Request = new ResizeVolume { Pool = there.Pool, Volume = there.Name, Size = desired.Size },
            };
        }

        if (desired.Mounted == false && there.Wanted)
        {
            yield return Unmount(address);
        }
    }

    private static DesiredChange Set(VolumeAddress address, string? at, bool? readOnly) => new()
    {
        Subject = $"{address}",
        Does = $"mount it{(at is null ? "" : $" at {at}")}{(readOnly is bool only ? only ? " so that nothing is written" : " so that it can be written" : "")}",
        Request = new SetFileSystem { Pool = address.Pool!.Value, Volume = address.Volume, At = at, ReadOnly = readOnly },
    };

    private static DesiredChange Unmount(VolumeAddress address) => new()
    {
        Subject = $"{address}",
        Does = "unmount it",
        Request = new UnmountFileSystem { Pool = address.Pool!.Value, Volume = address.Volume },
    };
}

using EveStorage.Cli;
using EveStorage.Cli.Api;
using EveStorage.Cli.Urls;

namespace EveStorage.Host.Desired;

/// <summary>A disk, as it is and as it is to be.</summary>
internal static class VolumeDifference
{
    /// <summary>What differs; one null where nothing does.</summary>
    internal static DesiredChange?[] Find(VolumeAddress address, DesiredVolume desired, Found found)
    {
        VolumeReport? there = found.Volumes.GetValueOrDefault(address);
        return there is { Form: VolumeForm.FileSystem } ? [DesiredChange.Refused(StorageErrorKind.Conflict, $"{address}", "is a file system: name it among fileSystems")]
            : desired.Absent ? [there is null ? null : Remove(address, desired.WithSnapshots, there)]
            : there is null ? [Make(address, desired)]
            : [Mend(address, desired, there, found)];
    }

    /// <summary>The removal of a volume, of whichever form.</summary>
    internal static DesiredChange Remove(VolumeAddress address, bool withSnapshots, VolumeReport there) => new()
    {
        Subject = $"{address}",
        Does = $"remove it and its data, {there.Allocated.ForPerson()}{(withSnapshots && there.Snapshots.Count > 0 ? $", with {there.Snapshots.Count} snapshots" : "")}",
        Request = new DeleteVolume { Pool = there.Pool, Volume = there.Name, WithSnapshots = withSnapshots },
    };

    /// <summary>What a volume was made with and lacks, or has and is to lack; null for nothing. It can't be given to it later, nor taken.</summary>
    /// <param name="address">The volume.</param>
    /// <param name="required">What it must have.</param>
    /// <param name="has">What it has.</param>
    /// <param name="spaceTaken">Whether its space is to have been taken at its making; null for as it is.</param>
    /// <param name="found">Its pool among others: one that takes all space at once has nothing else to give.</param>
    internal static DesiredChange? Lacks(VolumeAddress address, VolumeTraits required, VolumeTraits has, bool? spaceTaken, Found found)
        => (required & ~has) != VolumeTraits.None ? DesiredChange.Refused(StorageErrorKind.Conflict, $"{address}", $"is there and is not {required & ~has}: that is so from its making on; remove it, or import it into another one")
            : spaceTaken == true && has.HasFlag(VolumeTraits.Thin) ? DesiredChange.Refused(StorageErrorKind.Conflict, $"{address}", "is there and thin: its space is taken at its making or not at all")
            : spaceTaken == false && !has.HasFlag(VolumeTraits.Thin) && found.Pools.GetValueOrDefault(address.Pool!.Value)?.Traits.HasFlag(VolumeTraits.Thin) == true
                ? DesiredChange.Refused(StorageErrorKind.Conflict, $"{address}", "is there and all its space is taken, which no change gives back: leave that out of the file, or make another one and copy it there (`evestorage image save`, `evestorage image import`)")
            : null;

    private static DesiredChange Make(VolumeAddress address, DesiredVolume desired) => desired.Image is DesiredImage image
        ? new()
        {
            Subject = $"{address}",
            Does = $"make it of {image.File ?? UrlRule.WithoutQuery(image.Url!)}{(desired.Size is ByteSize size ? $", of {size.ForPerson()}" : "")}",
            Image = image.File,
            Request = new ImportImage
            {
                Pool = address.Pool!.Value,
                Volume = address.Volume,
                ImageName = image.File is string file ? Path.GetFileName(file) : UrlRule.NameOf(UrlRule.Parse(image.Url!)),
                Url = image.Url is string url ? UrlRule.Parse(url).AbsoluteUri : null,
                Format = image.Format,
                Size = desired.Size,
                Snapshot = image.Snapshot,
                Sha256 = image.Sha256,
                Traits = desired.Traits,
                Verify = image.Verify,
                Lazy = image.Lazy,
            },
        }
        : new()
        {
            Subject = $"{address}",
            Does = $"make it of {desired.Size!.Value.ForPerson()}",
            Request = new CreateVolume { Pool = address.Pool!.Value, Volume = address.Volume, Size = desired.Size.Value, Traits = desired.Traits },
        };

    private static DesiredChange? Mend(VolumeAddress address, DesiredVolume desired, VolumeReport there, Found found)
        => Lacks(address, desired.Required, there.Traits, desired.Thick, found)
            ?? (desired.Size is not ByteSize size || there.Size >= size ? null : new()
            {
                Subject = $"{address}",
                Does = $"grow it from {there.Size.ForPerson()} to {size.ForPerson()}",
                Request = new ResizeVolume { Pool = there.Pool, Volume = there.Name, Size = size },
            });
}

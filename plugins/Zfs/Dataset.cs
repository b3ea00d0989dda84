using System.Globalization;

namespace EveStorage.Zfs;

/// <summary>A volume, a file system or a snapshot of a pool, or what else lies there, as <c>zfs list -Hp</c> prints it.</summary>
internal sealed class Dataset
{
    /// <summary>What is asked for, in this order.</summary>
    internal const string Columns = "name,type,volsize,used,usedbysnapshots,usedbydataset,usedbyrefreservation,refreservation,refquota,compression,createtxg,origin,clones,defer_destroy,keystatus,encryptionroot,"
        + $"{Property.VolumeId},{Property.VolumeOperation},{Property.VolumeRenamed},{Property.VolumeGrown},{Property.VolumeRolled},{Property.VolumeLimited},"
        + $"{Property.SnapshotIds},{Property.SnapshotOperation},{Property.SnapshotCreated}";

    private static readonly string[] s_columns = Columns.Split(',');

    private readonly string[] _values;

    private Dataset(string[] values) => _values = values;

    /// <summary>All of its name: <c>pool/volumes/vm42@before</c>.</summary>
    internal string Name => this["name"]!;

    /// <summary>The last part of its name, <c>vm42@before</c>.</summary>
    internal string Leaf => Name[(Name.LastIndexOf('/') + 1)..];

    /// <summary>Of a snapshot, what it was taken of; else its name.</summary>
    internal string Of => Name.Split('@')[0];

    internal bool IsVolume => this["type"] == "volume";

    internal bool IsFileSystem => this["type"] == "filesystem";

    internal bool IsSnapshot => this["type"] == "snapshot";

    /// <summary>What it is handed out as.</summary>
    internal VolumeForm Form => IsFileSystem ? VolumeForm.FileSystem : VolumeForm.Block;

    /// <summary>The size of its device, or the most that its files may take. The snapshot of a file system has none.</summary>
    internal ByteSize Size => new(Number(IsFileSystem ? "refquota" : "volsize") ?? 0);

    /// <summary>What it takes without its snapshots: what it holds, and what is kept free for it.</summary>
    internal ByteSize Allocated => new((Number("usedbydataset") ?? 0) + (Number("usedbyrefreservation") ?? 0));

    /// <summary>What is taken by its snapshots alone.</summary>
    internal ByteSize UsedBySnapshots => new(Number("usedbysnapshots") ?? 0);

    /// <summary>What is kept free for it, with what it has taken of that.</summary>
    internal ByteSize Reservation => new(Number("refreservation") ?? 0);

    /// <summary>What it may take, and what is kept free of that.</summary>
    internal SpaceLimits Limits => new(Size, Reservation);

    /// <summary>Whether room is kept free for all of it.</summary>
    internal bool IsReserved => Limits.KeepsAll;

    /// <summary>Whether what is written to it is compressed.</summary>
    internal bool IsCompressed => Compression != "off";

    internal string Compression => this["compression"] ?? "off";

    /// <summary>When ZFS made it, in its own count.</summary>
    internal long Made => Number("createtxg") ?? 0;

    /// <summary>The datasets that were cloned of this snapshot.</summary>
    internal IReadOnlyList<string> Clones => this["clones"]?.Split(',', StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>Whether it was deleted, and goes by itself with the last of its clones. Its name is none of ours any more.</summary>
    internal bool IsLeaving => IsSnapshot && Label.StartsWith('_');

    /// <summary>Whether ZFS knows that it is to go with the last of its clones.</summary>
    internal bool IsDeferred => this["defer_destroy"] == "on";

    /// <summary>Whether it can't be read for want of its key.</summary>
    internal bool IsLocked => this["keystatus"] == "unavailable";

    /// <summary>The dataset whose key opens it: a clone has that of what it was cloned of.</summary>
    internal string EncryptionRoot => this["encryptionroot"] ?? Name;

    /// <summary>A volume's own id.</summary>
    internal Guid? Id => Guid.TryParse(this[Property.VolumeId], out Guid id) ? id : null;

    /// <summary>Who made the volume; null when it is not ours.</summary>
    internal OwnerMark? Mark => !IsSnapshot && Id is not null && Guid.TryParse(this[Property.VolumeOperation], out Guid by) ? OwnerMark.Of(by) : null;

    internal string? Renamed => this[Property.VolumeRenamed];

    internal string? Grown => this[Property.VolumeGrown];

    internal string? Limited => this[Property.VolumeLimited];

    internal string? Rolled => this[Property.VolumeRolled];

    /// <summary>A snapshot's own id; null when it is not ours.</summary>
    internal Guid? SnapshotId => Id is Guid volume && Guid.TryParse(Property.In(this[Property.SnapshotIds], $"{volume:N}"), out Guid id) ? id : null;

    /// <summary>Who took the snapshot; null when it is not ours.</summary>
    internal OwnerMark? SnapshotMark => IsSnapshot && Guid.TryParse(this[Property.SnapshotOperation], out Guid by) ? OwnerMark.Of(by) : null;

    /// <summary>What stands behind the <c>@</c>.</summary>
    internal string Label => Name[(Name.IndexOf('@', StringComparison.Ordinal) + 1)..];

    internal DateTimeOffset Created
        => Number(Property.SnapshotCreated) is long milliseconds ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : DateTimeOffset.UnixEpoch;

    /// <summary>A value; null when there is none.</summary>
    internal string? this[string column] => _values[Array.IndexOf(s_columns, column)] is string value and not ("-" or "") ? value : null;

    /// <summary>Reads a row.</summary>
    /// <exception cref="StorageException">It is another thing.</exception>
    internal static Dataset Read(string[] row)
        => row.Length == s_columns.Length ? new(row) : throw new StorageException(StorageErrorKind.Io, "zfs", $"lists {row.Length} values of {s_columns.Length}");

    private long? Number(string column)
        => this[column] is not string text || text == "none" ? null
            : long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value) ? value
            : throw new StorageException(StorageErrorKind.Io, "zfs", $"lists {column} as '{text}'");
}

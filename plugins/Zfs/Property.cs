using System.Globalization;

namespace EveStorage.Zfs;

/// <summary>
/// The user properties that hold what we know, zfsprops(7). A dataset inherits those of its parents and a snapshot those of its
/// volume, so that a pool's, a volume's and a snapshot's have different names.
/// </summary>
internal static class Property
{
    internal const string PoolId = "evestorage:pool.id";
    internal const string PoolName = "evestorage:pool.name";
    internal const string PoolOperation = "evestorage:pool.operation";
    internal const string PoolRedundancy = "evestorage:pool.redundancy";

    /// <summary>The name of the key that opens the volumes.</summary>
    internal const string PoolKey = "evestorage:pool.key";

    /// <summary>The name of the key that opens them once a change of it has come so far; empty when none is under way.</summary>
    internal const string PoolNextKey = "evestorage:pool.key.next";

    /// <summary>The last change of the key, and the name of the one before: <c>operation:name</c>.</summary>
    internal const string PoolRekeyed = "evestorage:pool.rekeyed";

    /// <summary>How the pool's drives are called for life, by ZFS's ids of them: <c>id=name,id=name</c>.</summary>
    internal const string PoolDrives = "evestorage:pool.drives";

    /// <summary>What took the place of drives, by the operations that put it there: <c>operation=id,operation=id</c>.</summary>
    internal const string PoolReplacements = "evestorage:pool.replacements";

    internal const string VolumeId = "evestorage:volume.id";
    internal const string VolumeOperation = "evestorage:volume.operation";

    /// <summary>The last rename, and the name before: <c>operation:name</c>.</summary>
    internal const string VolumeRenamed = "evestorage:volume.renamed";

    /// <summary>The last growth, and the size before: <c>operation:bytes</c>.</summary>
    internal const string VolumeGrown = "evestorage:volume.grown";

    /// <summary>The last other limits of a file system, and the size and the reservation before: <c>operation:bytes:bytes</c>.</summary>
    internal const string VolumeLimited = "evestorage:volume.limited";

    /// <summary>The last rollback: <c>operation:label</c>.</summary>
    internal const string VolumeRolled = "evestorage:volume.rolled";

    /// <summary>How many pieces the record has: <c>evestorage:record.0</c> and so on.</summary>
    internal const string RecordPieces = "evestorage:record.pieces";

    /// <summary>The ids of all snapshots that were taken at this moment, by their volumes' ids: <c>volume=snapshot,volume=snapshot</c>.</summary>
    internal const string SnapshotIds = "evestorage:snapshot.ids";
    internal const string SnapshotOperation = "evestorage:snapshot.operation";
    internal const string SnapshotCreated = "evestorage:snapshot.created";

    /// <summary>A property as words that set it.</summary>
    internal static string[] Words(string property, object value) => ["-o", Set(property, value)];

    /// <summary>A property and its value as <c>zfs set</c> takes it.</summary>
    internal static string Set(string property, object value) => string.Create(CultureInfo.InvariantCulture, $"{property}={value}");

    /// <summary>What an operation noted, <c>operation:what</c>; null when another one did, or none.</summary>
    internal static string? NotedBy(string? note, Guid operation)
        => note?.Split(':', 2) is [string by, string what] && Guid.TryParse(by, out Guid id) && id == operation ? what : null;

    /// <summary>The value for <paramref name="key"/> in a list of pairs, <c>key=value,key=value</c>; null when it has none.</summary>
    internal static string? In(string? pairs, string key)
        => (pairs ?? "").Split(',').Select(pair => pair.Split('=', 2)).FirstOrDefault(pair => pair.Length == 2 && pair[0] == key)?[1];
}

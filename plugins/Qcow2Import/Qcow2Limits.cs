namespace EveStorage.Qcow2Import;

/// <summary>The bounds of what a header may say. They are QEMU's own where it has them (block/qcow2.h).</summary>
internal static class Qcow2Limits
{
    /// <summary>The most bytes of a table of snapshots.</summary>
    internal const int MaxSnapshotsLength = 16 << 20;

    // Subclusters are a 32nd of a cluster, and at least a sector.
    private const uint MinExtendedClusterBits = 14;

    // A disk that offsets of 63 bits can't address is a damaged number, not a disk.
    private const ulong MaxVirtualSize = 1UL << 62;

    private const uint MinClusterBits = 9;
    private const uint MaxClusterBits = 21;
    private const long MaxRefcountTableLength = 8 << 20;
    private const uint MaxRefcountOrder = 6;
    private const uint MaxL1Entries = (32 << 20) / sizeof(ulong);
    private const uint MaxSnapshots = 65536;
    private const uint MaxBackingNameLength = 1023;

    /// <summary>Checks sizes, counts and offsets against each other.</summary>
    /// <exception cref="StorageException"><see cref="StorageErrorKind.Corrupt"/>: they can't be.</exception>
    internal static void Check(Qcow2HeaderView view, bool extended, string subject)
    {
        // Everything else is counted in clusters: check this before using it.
        if (view.ClusterBits is < MinClusterBits or > MaxClusterBits)
        {
            throw Corrupt(subject, $"has clusters of 2^{view.ClusterBits} bytes");
        }

        if (extended && view.ClusterBits < MinExtendedClusterBits)
        {
            throw Corrupt(subject, $"has subclusters in clusters of 2^{view.ClusterBits} bytes");
        }

        if (view.Size > MaxVirtualSize)
        {
            throw Corrupt(subject, $"has a disk of {view.Size} bytes");
        }

        int clusterBits = (int)view.ClusterBits;
        if (view.Version == 3 && view.HeaderLength > 1U << clusterBits)
        {
            throw Corrupt(subject, $"has a header of {view.HeaderLength} bytes, longer than a cluster");
        }

        CheckTables(view, clusterBits, subject);
        CheckBackingName(view, clusterBits, subject);

        // An L2 table is one cluster of entries of 8 or 16 bytes, so one L1 entry covers 2^(2 * bits - 3) or half of that: at most 2^61 in all.
        ulong covered = (ulong)view.L1Size << ((2 * clusterBits) - (extended ? 4 : 3));
        if (view.Size > covered)
        {
            throw Corrupt(subject, $"has an L1 table for {covered} bytes and a disk of {view.Size}");
        }
    }

    /// <summary>Whether a snapshot's L1 table may be as it says.</summary>
    internal static bool AllowsL1(ulong offset, uint entries, int clusterBits)
        => entries <= MaxL1Entries && offset <= long.MaxValue && (offset & ((1UL << clusterBits) - 1)) == 0;

    /// <summary>Whether a snapshot may have had a disk of that size.</summary>
    internal static bool AllowsSize(ulong size) => size <= MaxVirtualSize;

    private static void CheckTables(Qcow2HeaderView view, int clusterBits, string subject)
    {
        ulong withinCluster = (1UL << clusterBits) - 1;
        if (!AllowsL1(view.L1TableOffset, view.L1Size, clusterBits))
        {
            throw Corrupt(subject, "has an impossible L1 table");
        }

        // Reference counts are never read, but nothing else may lie where their table does.
        if (((long)view.RefcountTableClusters << clusterBits) > MaxRefcountTableLength
            || view.RefcountTableOffset > long.MaxValue - MaxRefcountTableLength || (view.RefcountTableOffset & withinCluster) != 0
            || (view.Version == 3 && view.RefcountOrder > MaxRefcountOrder))
        {
            throw Corrupt(subject, "has an impossible refcount table");
        }

        if (view.Snapshots > 0 && (view.Snapshots > MaxSnapshots || view.SnapshotsOffset is 0 or > long.MaxValue || (view.SnapshotsOffset & withinCluster) != 0))
        {
            throw Corrupt(subject, "has an impossible table of snapshots");
        }
    }

    private static void CheckBackingName(Qcow2HeaderView view, int clusterBits, string subject)
    {
        // A cluster may be shorter than the longest name.
        ulong first = view.Version == 3 ? view.HeaderLength : Qcow2HeaderView.V2Length;
        ulong cluster = 1UL << clusterBits;
        if (view.BackingFileOffset != 0 && (view.BackingFileSize is 0 or > MaxBackingNameLength || view.BackingFileSize > cluster
            || view.BackingFileOffset < first || view.BackingFileOffset > cluster - view.BackingFileSize))
        {
            throw Corrupt(subject, "names a backing file outside of its first cluster");
        }
    }

    private static StorageException Corrupt(string subject, string message) => new(StorageErrorKind.Corrupt, subject, message);
}
